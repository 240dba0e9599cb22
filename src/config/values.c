#include "config/values.h"
#include "base/memory.h"

struct table *config_values_copy(const struct table *from) {
    struct table *copy = table_new();
    size_t position = 0;
    struct bytes name;
    void *value;
    while (table_walk(from, &position, &name, &value))
        table_put(copy, name, memory_copy_text(value));
    return copy;
}

void config_values_free(struct table *values) {
    size_t position = 0;
    struct bytes name;
    void *value;
    while (values && table_walk(values, &position, &name, &value))
        memory_free(value);
    table_free(values);
}
