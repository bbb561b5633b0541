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
  const special = ['<s>', '</s>', '<|im_end|>'];
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
      const { text, answers } = new ChatTemplate(source, tokens, special).renderWithAnswers(TALK);
      expect(answers.map(([start, end]) => text.slice(start, end))).to.deep.equal(expected);
    });
  }

  it('passes on what the template itself complains about', () => {
    const template = new ChatTemplate(BRACKETS, tokens, special);
    expect(() => template.render([{ role: 'tool', content: '' }])).to.throw(SluiceError, 'no tool');
  });

  it('finds an answer by its content where the template writes the last turn otherwise', () => {
    const thinking =
      '{% for m in messages %}{{ m.role }}: {% if loop.last %}<think></think>{% endif %}{{ m.content | trim }}<|im_end|>\n{% endfor %}' +
      '{% if add_generation_prompt %}assistant: <think></think>{% endif %}';
    const { text, answers } = new ChatTemplate(thinking, tokens, special).renderWithAnswers(TALK);
    expect(answers.map(([start, end]) => text.slice(start, end))).to.deep.equal([
      'Hello<|im_end|>',
      'So long<|im_end|>',
    ]);
  });

  it('refuses a template that writes an answer twice', () => {
    const twice = '{{ messages | length }}{% for m in messages %}{{ m.content }}{{ m.content }}{% endfor %}';
    expect(() => new ChatTemplate(twice, tokens, special).renderWithAnswers(TALK)).to.throw(
      SluiceError,
      'renders message 2 so that its answer has no place of its own',
    );
  });

  it('refuses a template that does not parse', () => {
    expect(() => new ChatTemplate('{% for %}', tokens, special)).to.throw(
      SluiceError,
      'the chat template does not parse',
    );
  });
});
