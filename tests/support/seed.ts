import fc from 'fast-check';

/**
 * Laws are checked on the same cases everywhere, so that a red gate is a fault of the change. `LAW_SEED=random` looks for new ones, and
 * a number goes back to those of a run before.
 */
const { LAW_SEED = '20260101' } = process.env;

const seed = LAW_SEED === 'random' ? Date.now() % 2 ** 31 : Number(LAW_SEED);
if (!Number.isSafeInteger(seed)) throw new RangeError(`LAW_SEED is ${JSON.stringify(LAW_SEED)}: give an integer, or "random".`);

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
