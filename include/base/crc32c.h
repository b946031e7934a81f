/*
 * base/crc32c.h - the checksum of journal records.
 *
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4): what SSE 4.2 computes in hardware, eight bytes
 * an instruction; bit by bit where that is missing. Both give the same answer.
 */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* crc is 0 for the first piece, the last result for the next. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);

/* The same over a number, little-endian, and what follows: one call for a record and its length. */
uint32_t crc32c_behind_u32(uint32_t first, const void *data, size_t size);

/* The slow way, for a test that holds the two against each other. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t size);

#endif
