import { clippedText, shareText } from '../format.js';
import { type Html, html } from '../html.js';
import type { AnswerSamples, QuestionSample, Samples } from '../samples.js';

/** What a model said: answers to questions, right and wrong ones, and continuations of prompts. */
export function samplesSection({ answers, continuations, continued }: Samples): Html {
  return html`${answers && answersSection(answers)}${
    continuations.length > 0 &&
    html`<section><h2>Samples${continued > continuations.length && html` <small>the first ${continuations.length} of ${continued.toLocaleString('en-US')}</small>`}</h2>
<div class="card">${continuations.map(
      ({ prompt, text }) =>
        html`<article class="example"><p>${prompt !== null && html`<span class="soft">${clippedText(prompt)}</span>`}${clippedText(text)}</p></article>`,
    )}</div></section>`
  }`;
}

function answersSection({ models, right, wrong }: AnswerSamples): Html {
  const last = models.at(-1)!;
  const counts = models.map(({ name, questions, right: count }) =>
    count === null
      ? `${name}: ${questions.toLocaleString('en-US')}`
      : `${name}: ${count.toLocaleString('en-US')} of ${questions.toLocaleString('en-US')} right (${shareText(count / questions)})`,
  );
  const title = last.right === null ? 'Questions' : `Wrong, by ${wrong.model}`;
  return html`<section><h2>Answers <small>${counts.join(' · ')}</small></h2>
<div class="two">${questionCard(`Right, by ${right.model}`, right.questions)}${questionCard(title, wrong.questions)}</div></section>`;
}

function questionCard(title: string, questions: QuestionSample[]): Html | null {
  if (questions.length === 0) return null;
  return html`<div class="card"><h3 style="margin-top:0">${title}</h3>${questions.map(
    ({
      dataset,
      id,
      messages,
      expected,
      given,
    }) => html`<article class="example"><header><span>${dataset}</span><span class="mono">${id}</span></header>
${messages.map(({ role, content }) => html`<p><b>${role}</b>${clippedText(content)}</p>`)}
<dl class="given"><dt>expected</dt><dd>${clippedText(expected)}</dd>${given.map(
      ({ model, text, correct }) =>
        html`<dt>${model}</dt><dd>${correct !== null && html`<span class="${correct ? 'right' : 'wrong'}">${correct ? '✓' : '✗'}</span> `}${text.trim() === '' ? html`<i>nothing</i>` : clippedText(text.trim())}</dd>`,
    )}</dl></article>`,
  )}</div>`;
}
