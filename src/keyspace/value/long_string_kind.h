/* A long string as the keyspace sees it: freed, copied, measured and viewed like any value. It is
 * not saved as one: its bytes are those of a string in pieces (keyspace/record/saver.h). */
#pragma once
#include "keyspace/value/value.h"

extern const struct value_kind long_string_kind;
