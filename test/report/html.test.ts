import { expect } from 'chai';
import { dataScript, html, raw, relativeLink } from '../../src/report/html.js';

describe('report/html', () => {
  const cases: [string, unknown, string][] = [
    ['markup characters become entities', '<b title="x">&\'', '&lt;b title=&quot;x&quot;&gt;&amp;&#39;'],
    ['numbers stand as they are', 0, '0'],
    ['false, null and undefined vanish', [false, null, undefined], ''],
    ['lists are joined', ['a', '<', 1], 'a&lt;1'],
    ['finished markup is not escaped again', html`<i>${'&'}</i>`, '<i>&amp;</i>'],
    [
      'control characters, which HTML forbids, are replaced',
      'a\u0000b\u001bc\u0085',
      'a\ufffdb\ufffdc\ufffd',
    ],
    ['tabs, line ends and astral characters stay', 'a\tb\n😀', 'a\tb\n😀'],
    ['half a surrogate pair is replaced', 'a\ud83d', 'a\ufffd'],
  ];
  for (const [name, value, expected] of cases) {
    it(name, () => {
      expect(html`<p>${value as string}</p>`.text).to.equal(`<p>${expected}</p>`);
    });
  }

  it('a data script cannot be closed by its data and parses back to the same value', () => {
    const value = { text: '</script><script>alert(1)</script><!--', list: [1, null] };
    const text = dataScript('data', value).text;
    expect(text.match(/<\/script>/g)).to.have.length(1);
    expect(JSON.parse(text.slice(text.indexOf('>') + 1, text.lastIndexOf('<')))).to.deep.equal(value);
  });

  it('a link never has a scheme, whatever the path says', () => {
    expect(relativeLink('javascript:alert(1)/a b#c?.html')).to.equal(
      './javascript%3Aalert(1)/a%20b%23c%3F.html',
    );
    expect(relativeLink('../x/report.html')).to.equal('./../x/report.html');
  });

  it('raw passes text through untouched', () => {
    expect(html`${raw('<hr>')}`.text).to.equal('<hr>');
  });
});
