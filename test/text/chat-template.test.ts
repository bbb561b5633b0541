import { expect } from 'chai';
import { SluiceError } from '../../src/errors.js';
import { ChatTemplate, type Message } from '../../src/text/index.js';

const CHATML =
  "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
const BRACKETS =
  "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]" +
  "{% elif m.role == 'assistant' %} {{ m.content }}{{ eos_token }}{% else %}{{ raise_exception('no ' + m.role) }}{% endif %}{% endfor %}";

const TALK: Message[] = [
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: 'Hello' },
  { role: 'user', content: 'Bye' },
  { role: 'assistant', content: 'So long\n' },
];

describe('a chat template', () => {
  const tokens = { bos_token: '<s>', eos_token: '</s>' };
  const rows: [name: string, template: string, answers: string[]][] = [
    [
      'leaves the line break after the end token out of the answer',
      CHATML,
      ['Hello<|im_end|>', 'So long\n<|im_end|>'],
    ],
    [
      'counts a space before the answer as said when the prompt has none',
      BRACKETS,
      [' Hello</s>', ' So long\n</s>'],
    ],
    [
      'ends an answer with its content when there is no end token',
      '{% for m in messages %}{{ m.content }}{% endfor %}',
      ['Hello', 'So long\n'],
    ],
  ];
  for (const [name, source, expected] of rows) {
    it(name, () => {
      const { text, answers } = new ChatTemplate(source, tokens).renderWithAnswers(TALK);
      expect(answers.map(([start, end]) => text.slice(start, end))).to.deep.equal(expected);
    });
  }

  it('passes on what the template itself complains about', () => {
    const template = new ChatTemplate(BRACKETS, tokens);
    expect(() => template.render([{ role: 'tool', content: '' }])).to.throw(SluiceError, 'no tool');
  });

  it('refuses a template that rewrites earlier messages', () => {
    const template = new ChatTemplate(
      '{{ messages | length }}{% for m in messages %}{{ m.content }}{% endfor %}',
      tokens,
    );
    expect(() => template.renderWithAnswers(TALK)).to.throw(
      SluiceError,
      'renders message 2 differently when more follows',
    );
  });

  it('refuses a template that does not parse', () => {
    expect(() => new ChatTemplate('{% for %}', tokens)).to.throw(
      SluiceError,
      'the chat template does not parse',
    );
  });
});
