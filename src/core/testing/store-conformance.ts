import type { RunStore } from '../ports/store.js';
import type { ConformanceCase } from './conformance-case.js';
import { checkpoints } from './store-conformance/checkpoints.js';
import { claiming } from './store-conformance/claiming.js';
import { closing } from './store-conformance/closing.js';
import { fencing } from './store-conformance/fencing.js';
import { listing } from './store-conformance/listing.js';
import { notes } from './store-conformance/notes.js';
import { ordering } from './store-conformance/ordering.js';
import { ranges } from './store-conformance/ranges.js';
import { reading } from './store-conformance/reading.js';
import { values } from './store-conformance/values.js';
import { writing } from './store-conformance/writing.js';

/** What every {@link RunStore} must do. Run each case with a factory that makes an empty store. */
export const storeConformance: readonly ConformanceCase<RunStore>[] = [
  ...reading,
  ...ranges,
  ...writing,
  ...ordering,
  ...values,
  ...checkpoints,
  ...claiming,
  ...fencing,
  ...listing,
  ...notes,
  ...closing,
];
