/* A hash as the keyspace sees it: saved, loaded, compared, viewed like any value. */
#pragma once
#include "keyspace/value/value.h"

extern const struct value_kind hash_value_kind;
