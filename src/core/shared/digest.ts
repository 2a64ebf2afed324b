import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

import { canonicalJson } from './canonical-json.js';

/** SHA-256 of the UTF-8 bytes of a text, as 64 lower-case hex digits. Synchronous, without `node:crypto` or Web Crypto. */
export const sha256Hex = (text: string): string => bytesToHex(sha256(utf8ToBytes(text)));

/** SHA-256 over the canonical JSON (RFC 8785) of a value, as 64 lower-case hex digits. */
export const digestOf = (value: unknown): string => sha256Hex(canonicalJson(value));
