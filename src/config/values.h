/* Settings as text: a table from names to texts that it owns. */
#pragma once
#include "base/containers/table.h"

struct table *config_values_copy(const struct table *from); /* returns owned */
void config_values_free(struct table *values);              /* NULL is fine */
