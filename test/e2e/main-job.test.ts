import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { execaNode } from 'execa';
import { SafetensorsFile } from '../../src/checkpoint/index.js';
import type { PipelineForecast } from '../../src/runner/forecast-pipeline.js';
import type { RunRecord } from '../../src/runner/run-record.js';

const cli = fileURLToPath(new URL('../../src/cli.js', import.meta.url));

const finetunes = ['selected', 'random'].flatMap((name) => [1, 2, 3].map((run) => `${name}_${run}`));

/** The demo's pipeline with everything made small; what it learns is nothing, what it does is all of it. */
const tiny = [
  '++steps.prepare.config.pool.rows=300',
  '++steps.prepare.config.tokenizer.vocab_size=400',
  '++steps.prepare.config.conversations.share=0.05',
  '++steps.prepare.config.questions.rows=30',
  ...['hidden_size=16', 'intermediate_size=16', 'num_hidden_layers=2', 'num_attention_heads=2'].map(
    (value) => `++steps.pretrain_base.config.model.${value}`,
  ),
  '++steps.pretrain_base.config.model.num_key_value_heads=2',
  '++steps.pretrain_base.config.training.max_steps=4',
  '++steps.pretrain_base.config.training.evaluation_batches=1',
  ...['stage_1', ...finetunes].map((step) => `++steps.${step}.config.training.max_steps=3`),
  '++steps.stage_4.config.perplexity.max_documents=1',
];

describe('the main job', function () {
  this.timeout(180_000);
  let outputs: string;
  before(() => {
    outputs = mkdtempSync(join(tmpdir(), 'sluice-main-job-'));
  });
  after(() => rmSync(outputs, { recursive: true }));

  const only = (stage: string): string => {
    const found = readdirSync(join(outputs, stage), { recursive: true, encoding: 'utf8' });
    const folders = found.filter((path) => /^\d{4}-\d\d-\d\d\/[\d-]+(_\d+)?$/.test(path)).sort();
    return join(outputs, stage, folders[0]!);
  };
  const record = (folder: string) => JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as RunRecord;
  const lines = (path: string) =>
    readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

  const demo = (...more: string[]) =>
    execaNode(cli, ['demo', `output_dir=${outputs}`, ...tiny, ...more], { reject: false });

  it('knows what each step needs before the first has run', async () => {
    const { exitCode, stdout, stderr } = await demo('--force', '--plan', '--log', 'json');
    expect(exitCode, stderr).to.equal(0);
    const { steps } = JSON.parse(stdout) as PipelineForecast;
    const planned = ['pretrain_base', 'stage_1', 'stage_2', ...finetunes];
    for (const step of steps.filter(({ name }) => planned.includes(name))) {
      expect(step, JSON.stringify(step)).to.include({ action: 'run', foreseen: true, problem: null });
      expect(step.plannedBytes, step.name).to.be.greaterThan(2 ** 20);
      expect(step.flops, step.name).to.be.greaterThan(1e6);
      expect(step.time.seconds, step.name).to.be.greaterThan(0);
    }
    expect(readdirSync(outputs), 'nothing was run').to.deep.equal([]);
  });

  it('runs from raw text to a table of results, each stage in a folder of its own', async () => {
    // Whatever runs like these there are in this project: here all is to be made.
    const { exitCode, stdout, stderr } = await demo('--force');
    expect(exitCode, stderr).to.equal(0);
    expect(stdout).to.match(/base .*\n.*random .*\n.*selected (.*\n)+.*Compared with random/);
    for (const stage of [
      'prepare',
      'pretrain',
      'stage_1_pretrain',
      'stage_2_selection',
      'stage_4_evaluate',
    ]) {
      const folder = only(stage);
      expect(record(folder), stage).to.include({ status: 'done', stage });
      expect(
        record(folder).outputs.every(({ sha256 }) => /^[0-9a-f]{64}$/.test(sha256)),
        stage,
      ).to.equal(true);
      for (const file of ['report.html', 'run.log', '.hydra/config.yaml', '.hydra/overrides.yaml']) {
        expect(existsSync(join(folder, file)), `${stage}/${file}`).to.equal(true);
      }
    }
  });

  it('takes all of that when it is run again, and prints the same table', async () => {
    const before = readdirSync(join(outputs, 'prepare'), { recursive: true }).length;
    const { exitCode, stdout, stderr } = await demo();
    expect(exitCode, stderr).to.equal(0);
    expect(stderr.match(/skipped: same config, code and inputs/g)).to.have.length(11);
    expect(stdout).to.match(/base .*\n.*random .*\n.*selected (.*\n)+.*Compared with random/);
    expect(readdirSync(join(outputs, 'prepare'), { recursive: true })).to.have.length(before);
  });

  it('has no key in the config of any stage that the stage never reads', () => {
    for (const stage of [
      'prepare',
      'pretrain',
      'stage_1_pretrain',
      'stage_2_selection',
      'stage_3_finetune',
      'stage_4_evaluate',
    ])
      expect(record(only(stage)).facts.unread_keys, stage).to.equal(undefined);
  });

  it('trains only the routing weights in stage 1', () => {
    const file = new SafetensorsFile(join(only('stage_1_pretrain'), 'full_rank_weights.safetensors'));
    expect(file.names).to.have.members(
      [0, 1].flatMap((layer) => [
        `model.layers.${layer}.quality_gate.gate.weight`,
        `model.layers.${layer}.normal_moe.gate.weight`,
      ]),
    );
    file.close();
  });

  it('keeps floor(rows × selection_percentage) rows of each kind, best first, and as many at random', () => {
    const folder = only('stage_2_selection');
    const kept = lines(join(folder, 'selected_data.jsonl'));
    const share = Number(
      /selection_percentage: ([\d.]+)/.exec(readFileSync(join(folder, '.hydra/config.yaml'), 'utf8'))![1],
    );
    const pool = lines(join(only('prepare'), 'pool.jsonl'));
    for (const kind of ['century', 'half_century']) {
      const of = (rows: { dataset: string }[]) => rows.filter(({ dataset }) => dataset === kind).length;
      expect(of(kept), kind).to.equal(Math.floor(of(pool) * share));
    }
    expect(lines(join(folder, 'random_data.jsonl'))).to.have.length(kept.length);
    const scores = kept.map((row) => row.scores.quality);
    expect(scores).to.deep.equal([...scores].sort((a, b) => b - a));
    expect(kept[0]).to.have.all.keys('dataset', 'id', 'scores', 'messages');
  });

  it('goes on from earlier runs when a stage is started alone', async () => {
    const model = join(only('pretrain'), 'model');
    const selected = join(only('stage_2_selection'), 'selected_data.jsonl');
    const { exitCode, stderr } = await execaNode(
      cli,
      [
        'stage_3',
        `output_dir=${join(outputs, 'alone')}`,
        `model_checkpoint_path=${model}`,
        `dataset.data_path=${selected}`,
        'training.lora.r=2',
        'training.max_steps=2',
      ],
      { reject: false },
    );
    expect(exitCode, stderr).to.equal(0);
  });

  it('reads the keys of adapters, of the moment loss and of sampling once they count', async () => {
    const folder = join(outputs, 'unread');
    const model = join(only('pretrain'), 'model');
    const commands = [
      [
        'stage_1',
        `selector_model.path=${model}`,
        `dataset.data_path=${join(only('prepare'), 'pool.jsonl')}`,
        ...['training.peft_mode=lora', 'training.lora.r=2', 'training.max_steps=1'],
        ...['training.quality_loss_type=beta_moment_matching', 'training.quality_loss_params.w_var=2'],
      ],
      ['generate', `model=${model}`, 'prompt=In', 'max_new_tokens=2', 'temperature=0.5', 'top_k=5'],
    ];
    for (const command of commands) {
      const { exitCode, stderr } = await execaNode(cli, [...command, `output_dir=${folder}`], {
        reject: false,
      });
      expect(exitCode, stderr).to.equal(0);
      expect(stderr).not.to.contain('never read');
    }
  });

  it('compares runs of one recipe with those of another, and refuses a name that is none of the adapters', async () => {
    const [first, second] = ['stage_3_finetune'].flatMap((stage) =>
      readdirSync(join(outputs, stage), { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('/adapter'))
        .map((path) => join(outputs, stage, path)),
    );
    const evaluate = (...more: string[]) =>
      execaNode(
        cli,
        [
          'stage_4',
          `output_dir=${join(outputs, 'compared')}`,
          `model_checkpoint_path=${join(only('pretrain'), 'model')}`,
          `questions.data_path=${join(only('prepare'), 'questions.jsonl')}`,
          'perplexity.data_path=null',
          `+adapters={one: [${first}, ${first}], two: ${second}}`,
          ...more,
        ],
        { reject: false },
      );
    const wrong = await evaluate('compare.with=three');
    expect(wrong.exitCode).to.equal(2);
    expect(wrong.stderr)
      .to.match(/compare.with=three is none of the adapters/)
      .and.to.match(/one, two/);

    const { exitCode, stdout, stderr } = await evaluate('compare.with=one');
    expect(exitCode, stderr).to.equal(0);
    expect(stdout)
      .to.match(/Compared with one\n/)
      .and.to.match(/two .*exact match, points/);
    const folder = join(outputs, 'compared', 'stage_4_evaluate');
    const results = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const read = (name: string) =>
      JSON.parse(readFileSync(join(folder, results.find((path) => path.endsWith(`/${name}`))!), 'utf8'));
    const [, one] = read('results.json');
    expect(one.runs[0]).to.deep.equal(one.runs[1]);
    expect(read('comparison.json')).to.have.length(2);
  });

  it('prints planned bytes, FLOPs and the op list of a selection before it runs', async () => {
    const folder = join(outputs, 'planned');
    const { exitCode, stdout, stderr } = await execaNode(
      cli,
      [
        'stage_2',
        '--plan',
        `output_dir=${folder}`,
        `selector_model.path=${join(only('pretrain'), 'model')}`,
        `model_checkpoint_path=${join(only('stage_1_pretrain'), 'full_rank_weights.safetensors')}`,
        `dataset.data_path=${join(only('prepare'), 'pool.jsonl')}`,
      ],
      { reject: false },
    );
    expect(exitCode, stderr).to.equal(0);
    expect(stdout)
      .to.match(/planned [\d.]+ [KM]iB/)
      .and.to.match(/cost .*FLOP/);
    expect(stdout).to.match(/attention .*model\.layers\.0\.self_attn/);
    expect(existsSync(folder), 'nothing was written').to.equal(false);
  });

  it('stops a checkpoint of another model, and leaves what was there as it was', async () => {
    const weights = join(only('stage_1_pretrain'), 'full_rank_weights.safetensors');
    const before = readFileSync(weights);
    const { exitCode, stderr } = await execaNode(
      cli,
      [
        'stage_2',
        `output_dir=${join(outputs, 'alone')}`,
        `selector_model.path=${join(only('pretrain'), 'model')}`,
        `model_checkpoint_path=${join(only('pretrain'), 'model', 'model.safetensors')}`,
        `dataset.data_path=${join(only('prepare'), 'pool.jsonl')}`,
      ],
      { reject: false },
    );
    expect(exitCode).to.equal(1);
    expect(stderr).to.contain('holds no router weights of stage_1');
    expect(readFileSync(weights).equals(before)).to.equal(true);
  });
});
