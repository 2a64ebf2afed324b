import type { DecisionInput } from 'planwright';

import { approve, attend, faultOf, propose, type Scene } from './child-life.js';
import type { ChildAnswer, ChildVerb } from './child-task.js';
import { stories, type Story } from './stories.js';

/** Carries out one line of calls, and gives the line that answers it. */
export async function serve(line: string, scene: Scene): Promise<string> {
  const [id, verb, ...given] = JSON.parse(line) as [number, ChildVerb, ...string[]];
  try {
    return answer([id, (await perform(verb, given, scene)) ?? null]);
  } catch (error) {
    return answer([id, null, faultOf(error)]);
  }
}

const answer = (given: ChildAnswer): string => JSON.stringify(given);

const named = (name: string | undefined): Story => {
  const story = stories.find((one) => one.name === name);
  if (!story) throw new TypeError(`There is no story "${name ?? ''}".`);
  return story;
};

async function perform(verb: ChildVerb, [first = '', ...rest]: readonly string[], scene: Scene): Promise<unknown> {
  const { orchestrator } = scene;
  switch (verb) {
    case 'propose': {
      const { runId } = await propose(named(first), scene);
      return runId;
    }
    case 'approve': {
      const run = await orchestrator.run(first);
      const story = named(run.view().goal);
      attend(run, story, scene);
      return approve(run, story, scene);
    }
    case 'recover': {
      const runs = await orchestrator.recover();
      for (const run of runs) attend(run, named(run.view().goal), scene);
      return runs.map(({ runId }) => runId);
    }
    case 'result': {
      const run = await orchestrator.run(first);
      const { status, deliverable = null, gaps } = await run.result();
      const result = { status, deliverable, gaps };
      scene.tell({ type: 'ended', runId: first, story: run.view().goal, result });
      return result;
    }
    case 'decide':
      return (await orchestrator.run(first)).decide(rest[0] ?? '', JSON.parse(rest[1] ?? '{}') as DecisionInput);
    case 'view':
      return (await orchestrator.run(first)).view();
    case 'close':
      return orchestrator.close();
  }
}
