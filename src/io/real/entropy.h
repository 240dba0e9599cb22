/* Random bits from the system. */
#pragma once
#include <stdint.h>

enum { ENTROPY_UUID_BYTES = 16 };

uint64_t entropy_u64(void);
/* A fresh UUID, RFC 9562 version 4. */
void entropy_uuid(uint8_t uuid[ENTROPY_UUID_BYTES]);
