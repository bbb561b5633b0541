import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { type Product, productError } from './bf16-product.js';

/** Sizes on both sides of register tiles (12 x 32), blocks of rows (264) and columns (512), and of the depth (2048). */
const sizes: [number, number, number][] = [
  [1, 1, 1],
  [5, 17, 3],
  [12, 32, 64],
  [13, 45, 4101],
  [270, 530, 37],
  [61, 33, 2049],
  [25, 40, 2048], // rows a page apart are copied first
  [31, 16, 2048], // but not for few columns
  [16, 530, 700], // few rows: 256 of the depth at a time, the other way round too
  [530, 16, 700],
];

const products: Product[] = sizes.flatMap(([rows, columns, depth]) =>
  [false, true].flatMap((transA) =>
    [false, true].flatMap((transB) =>
      (['f32', 'bf16'] as const).flatMap((result) =>
        [false, true].map((bias) => ({ rows, columns, depth, transA, transB, result, bias })),
      ),
    ),
  ),
);

const allowed = ({ result }: Product) => (result === 'bf16' ? 2 ** -8 : 2 ** -20);

describe('products of bf16', () => {
  it('are right at the edges of tiles and blocks, however the operands lie', async () => {
    for (const product of products) {
      expect(await productError(product), JSON.stringify(product)).to.be.below(allowed(product));
    }
  });

  for (const isa of ['generic', 'avx2', 'avx512']) {
    it(`are right on ${isa} instructions, without bf16 ones`, () => {
      const chosen = products.filter(({ rows }, index) => rows === 61 || index % 8 === 3);
      const script = `
        import { productError } from ${JSON.stringify(new URL('bf16-product.js', import.meta.url))};
        const errors = [];
        for (const product of ${JSON.stringify(chosen)}) errors.push(await productError(product));
        console.log(JSON.stringify(errors));`;
      const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
        env: { ...process.env, ENGINE_ISA: isa },
        encoding: 'utf8',
      });
      const errors = JSON.parse(printed) as number[];
      expect(errors).to.have.length(chosen.length);
      chosen.forEach((product, i) => {
        expect(errors[i], JSON.stringify(product)).to.be.below(allowed(product));
      });
    });
  }
});
