/**
 * As much of Vitest as a test file needs that is to run on any engine: its own `expect`, and tests one after the other. The last
 * line says how many passed.
 */
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  GLOBAL_EXPECT,
  getState,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from '@vitest/expect';

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

export const expect = Object.assign((value, message) => chai.expect(value, message), chai.expect);
Object.assign(expect, globalThis[ASYMMETRIC_MATCHERS_OBJECT] && {});
expect.getState = () => getState(expect);
expect.setState = (state) => setState(state, expect);
setState(
  {
    assertionCalls: 0,
    isExpectingAssertions: false,
    isExpectingAssertionsError: null,
    expectedAssertionsNumber: null,
    testPath: 'test',
  },
  expect,
);
Object.defineProperty(globalThis, GLOBAL_EXPECT, { value: expect, writable: true, configurable: true });

const tests = [];
const after = [];
const groups = [];

export function describe(title, body) {
  groups.push(title);
  body();
  groups.pop();
}
export function it(title, ...rest) {
  tests.push({
    title: [...groups, title].join(' › '),
    body: rest.find((given) => typeof given === 'function'),
  });
}
export const test = it;
export const afterEach = (body) => after.push(body);

function late(seconds) {
  return new Promise((_, reject) =>
    setTimeout(() => reject(new Error(`not done within ${seconds} s`)), 1000 * seconds),
  );
}

// In Deno ports of a channel do not keep a program alive.
setInterval(() => {}, 1000);

// Tests are registered by the module that imports this one, which has been evaluated by then.
setTimeout(async () => {
  let passed = 0;
  let failed = 0;
  for (const { title, body } of tests) {
    try {
      await Promise.race([body(), late(30)]);
      passed++;
    } catch (error) {
      failed++;
      console.log(`FAIL ${title}\n${error?.stack ?? error}`);
    }
    for (const end of after) await end();
  }
  console.log(`${passed} passed, ${failed} failed`);
  globalThis.process.exit(failed ? 1 : 0);
}, 0);
