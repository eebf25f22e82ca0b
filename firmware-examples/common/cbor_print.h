/* cbor_print.h - CBOR as people read it: the diagnostic notation of RFC 8949 §8. */
#ifndef CBOR_PRINT_H
#define CBOR_PRINT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Prints one item that fills `bytes`, the items of an outermost array on lines of their own.
 * 0; the errors of cbor_skip(); -EBADMSG where bytes are left over. Nothing is printed on an error.
 */
int cbor_print(FILE *file, const uint8_t *bytes, size_t length);

#endif
