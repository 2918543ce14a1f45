import { expect, test } from 'vitest';
import { stageCounts } from '../../scripts/ci-summary.ts';

test('the counts of a test run are those of its report', () => {
  expect(stageCounts(1, { numPassedTests: 7, numFailedTests: 2 })).toEqual({ passed: 7, failed: 2 });
});

test('the counts of the gate are its steps', () => {
  expect(stageCounts(0, { passed: 8, failed: 0 })).toEqual({ passed: 8, failed: 0 });
});

test('a test file that cannot be loaded counts as a failure', () => {
  const testResults = [
    { status: 'failed', assertionResults: [] },
    { status: 'failed', assertionResults: [{ status: 'failed' }] },
  ];
  expect(stageCounts(1, { numPassedTests: 1, numFailedTests: 1, testResults })).toEqual({
    passed: 1,
    failed: 2,
  });
});

test('a stage that ends badly without a report counts as a failure', () => {
  expect(stageCounts(124, undefined)).toEqual({ passed: 0, failed: 1 });
});
