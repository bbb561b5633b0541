import { Data, f32Of, i32Of } from '../data.js';
import { type NumericRow, row } from '../row.js';

const data = new Data(4);

export const indexedRows: NumericRow[] = [
  row(
    'embedding',
    'with repeated ids',
    { weight: data.normal([7, 5]), ids: i32Of([2, 4], [0, 6, 6, 3, 6, 0, 1, 6]) },
    {
      gradient: ['weight'],
      tolerance: 1e-6,
    },
  ),
  row(
    'embedding',
    'past one piece of rows',
    { weight: data.normal([40, 33]), ids: data.ints([300], 0, 40) },
    {
      gradient: ['weight'],
      finiteDifferences: false,
    },
  ),
  row(
    'embedding_grad',
    'with rows nobody names',
    { dy: data.normal([3, 4]), ids: i32Of([3], [1, 1, 9]) },
    {
      attributes: { rows: 12 },
    },
  ),
  row('accumulate_embedding_grad', 'with repeated ids', {
    state: data.normal([12, 4]),
    dy: data.normal([2, 2, 4]),
    ids: i32Of([2, 2], [1, 1, 9, 1]),
  }),
  row(
    'gather_rows',
    'with -1',
    { x: data.normal([4, 3]), index: i32Of([5], [3, -1, 0, 0, 2]) },
    {
      gradient: ['x'],
      tolerance: 1e-6,
    },
  ),
  row(
    'gather_rows',
    'of rows with two axes',
    { x: data.normal([3, 2, 2]), index: i32Of([2], [2, 1]) },
    { gradient: ['x'] },
  ),
  row(
    'scatter_add_rows',
    'with collisions and -1',
    { x: data.normal([5, 3]), index: i32Of([5], [1, 1, -1, 0, 1]) },
    {
      attributes: { rows: 4 },
      gradient: ['x'],
    },
  ),
  row(
    'take_along',
    'with repeats',
    { x: data.normal([2, 3, 5]), index: data.ints([2, 3, 2], 0, 5) },
    {
      gradient: ['x'],
      tolerance: 1e-6,
    },
  ),
  row(
    'take_along_grad',
    'with one place named twice',
    { dy: data.normal([1, 3]), index: i32Of([1, 3], [2, 2, 0]) },
    {
      attributes: { size: 4 },
    },
  ),
  row(
    'one_hot',
    'with indices outside',
    { index: i32Of([2, 3], [0, 2, -1, 3, 1, 7]) },
    {
      attributes: { depth: 3 },
      tolerance: 0,
    },
  ),
  row(
    'topk',
    'of odd rows',
    { x: data.normal([5, 9]) },
    { attributes: { k: 3 }, gradient: ['x'], tolerance: 0 },
  ),
  row(
    'topk',
    'takes the lower index among equals',
    { x: f32Of([2, 5], [1, 2, 2, 1, 2, 0, 0, 0, 0, 0]) },
    {
      attributes: { k: 4 },
      tolerance: 0,
    },
  ),
  row('topk', 'of all', { x: data.normal([3, 4]) }, { attributes: { k: 4 }, gradient: ['x'], tolerance: 0 }),
];
