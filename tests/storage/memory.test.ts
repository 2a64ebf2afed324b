import { createMemoryStore } from '../../src/storage/memory.js';
import { createMemoryMedium } from './support/memory-medium.js';
import { describePersistentStore, describeStore } from './support/run-conformance.js';

describeStore('memory store', createMemoryStore);

// It outlives nothing; in shells around one that stays open, it shows that the rules for those that do can be kept.
describePersistentStore('memory store in a shell', () => createMemoryMedium());
