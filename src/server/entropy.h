/* Random bits from the system. */
#pragma once
#include "member/identity.h"

uint64_t entropy_u64(void);
/* A fresh UUID, RFC 9562 version 4. */
void entropy_uuid(uint8_t uuid[NODE_UUID_BYTES]);
