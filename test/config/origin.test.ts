import { expect } from 'chai';
import { listOrigins, printOrigins, trackReads } from '../../src/config/index.js';
import { composeFiles } from './fixture.js';

const FILES = {
  'config.yaml': 'defaults:\n  - model: tiny\n  - _self_\nmodel:\n  width: 64\nlr: 0.1\n',
  'model/tiny.yaml': 'width: 32\nlayers: [1, {size: 2}]\n',
};

describe('origins', () => {
  it('name the file and line, or the override, of every value, and what it replaced', () => {
    const composed = composeFiles(FILES, ['lr=0.2', '+model.extra=1', 'lr=0.3']);
    expect(composed.origin('model.width')).to.deep.equal({
      where: 'config.yaml:5:10',
      replaced: [{ where: 'model/tiny.yaml:1:8', value: '32' }],
    });
    expect(composed.origin('lr')).to.deep.equal({
      where: 'override lr=0.3',
      replaced: [
        { where: 'override lr=0.2', value: '0.2' },
        { where: 'config.yaml:6:5', value: '0.1' },
      ],
    });
    expect(composed.origin('model.layers[1].size')?.where).to.equal('model/tiny.yaml:2:20');
    expect(composed.origin('model.extra')?.where).to.equal('override +model.extra=1');
    expect(composed.origin('nope')).to.equal(undefined);
    expect(composed.origin('model.layers.x')).to.equal(undefined);
  });

  it('are listed in config order', () => {
    const composed = composeFiles(FILES, ['lr=0.2']);
    expect(listOrigins(composed).map(({ path }) => path)).to.deep.equal([
      'model.width',
      'model.layers[0]',
      'model.layers[1].size',
      'lr',
    ]);
    expect(printOrigins(composed)).to.equal(
      'model.width: 64  # config.yaml:5:10, was 32 (model/tiny.yaml:1:8)\n' +
        'model.layers[0]: 1  # model/tiny.yaml:2:10\nmodel.layers[1].size: 2  # model/tiny.yaml:2:20\n' +
        'lr: 0.2  # override lr=0.2, was 0.1 (config.yaml:6:5)\n',
    );
  });
});

describe('trackReads', () => {
  it('lists what was never read, whole containers as one', () => {
    const { config, unread } = trackReads({
      a: 1,
      b: { c: 2, d: { e: 3, f: 4 } },
      g: [],
      h: [{ i: 1 }, { i: 2 }],
      j: null,
    });
    expect(unread()).to.deep.equal(['a', 'b', 'g', 'h', 'j']);
    expect(config.a + config.b.c).to.equal(3);
    expect(config.h[1]!.i).to.equal(2);
    expect(config.j).to.equal(null);
    expect(unread()).to.deep.equal(['b.d', 'g', 'h[0]']);
  });

  it('counts serialising and iterating as reading', () => {
    const { config, unread } = trackReads({ a: { b: 1, c: [1, 2] }, d: [3, 4], e: 5 });
    expect(JSON.stringify(config.a)).to.equal('{"b":1,"c":[1,2]}');
    expect([...config.d]).to.deep.equal([3, 4]);
    expect(unread()).to.deep.equal(['e']);
  });
});
