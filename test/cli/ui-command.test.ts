import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { execaNode } from 'execa';
import type { CommandLine } from '../../src/cli/arguments.js';
import type { Project } from '../../src/cli/project.js';
import { uiCommand } from '../../src/cli/ui-command.js';
import { SluiceError } from '../../src/errors.js';

const cli = fileURLToPath(new URL('../../src/cli.js', import.meta.url));

describe('./run ui', function () {
  this.timeout(20_000);

  it('says where it is, serves until Ctrl-C and not until another signal, and then ends well', async () => {
    const outputs = mkdtempSync(`${tmpdir()}/sluice-ui-`);
    const ui = execaNode(cli, ['ui', 'port=0', `outputs=${outputs}`, '--log', 'json'], { reject: false });
    const [said] = await once(ui.stdout, 'data');
    const { url } = JSON.parse(String(said)) as { url: string };
    expect(url).to.match(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    expect(await (await fetch(url)).text()).to.include('No runs yet');
    ui.kill('SIGUSR1');
    expect((await fetch(url)).status).to.equal(200);
    ui.kill('SIGINT');
    const { exitCode, stderr } = await ui;
    expect(exitCode, stderr).to.equal(0);
    rmSync(outputs, { recursive: true });
  });

  const mistakes: [string, string][] = [
    ['port=http', 'port=http is no port'],
    ['port=65536', 'port=65536 is no port'],
    ['outputs=/nowhere/at/all', 'there is no such folder'],
    ['prot=1', 'ui does not know prot=1'],
  ];
  for (const [word, message] of mistakes) {
    it(`refuses ${word}`, async () => {
      const line = { rest: [word] } as unknown as CommandLine;
      const error = await uiCommand(line, { root: '/' } as Project).catch((caught: unknown) => caught);
      expect(error).to.be.instanceOf(SluiceError).with.property('message', message);
      expect(error).to.have.property('exitCode', 2);
    });
  }
});
