#include "config/config_layers.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/text/glob.h"
#include "config/setting.h"
#include "config/values.h"

void config_layers_init(struct config_layers *layers, const struct config *base) {
    config_copy(&layers->base, base);
    config_copy(&layers->effective, base);
    layers->cluster = table_new();
    layers->node = table_new();
}

void config_layers_release(struct config_layers *layers) {
    config_release(&layers->base);
    config_release(&layers->effective);
    config_values_free(layers->cluster);
    config_values_free(layers->node);
    memset(layers, 0, sizeof *layers);
}

void config_layers_copy(struct config_layers *to, const struct config_layers *from) {
    config_copy(&to->base, &from->base);
    config_copy(&to->effective, &from->effective);
    to->cluster = config_values_copy(from->cluster);
    to->node = config_values_copy(from->node);
}

static struct table *values_of(const struct config_layers *layers, enum config_layer layer) {
    CHECK(layer == CONFIG_LAYER_CLUSTER || layer == CONFIG_LAYER_NODE);
    return layer == CONFIG_LAYER_CLUSTER ? layers->cluster : layers->node;
}

/* The value is tried on what stands below it, so that a layer holds only what can be taken. */
int config_layers_set(struct config_layers *layers, enum config_layer layer, struct bytes name,
                      struct bytes value, struct buffer *problem) {
    enum config_source source =
        layer == CONFIG_LAYER_CLUSTER ? CONFIG_SOURCE_CLUSTER : CONFIG_SOURCE_LIVE;
    struct table *values = values_of(layers, layer);
    int code = config_set(&layers->effective, name, value, source, problem);
    if (code != 0)
        return code;
    const struct setting *setting = setting_find(name);
    memory_free(table_put(values, bytes_of_text(setting->name), bytes_copy_text(value)));
    return 0;
}

bool config_layers_unset(struct config_layers *layers, struct bytes name) {
    const struct setting *setting = setting_find(name);
    if (setting == NULL)
        return false;
    void *value = table_remove(layers->node, bytes_of_text(setting->name));
    memory_free(value);
    return value != NULL;
}

void config_layers_clear_cluster(struct config_layers *layers) {
    config_values_free(layers->cluster);
    layers->cluster = table_new();
}

struct base_change {
    struct config staged;
    int code;
    struct buffer *problem;
};

static void stage(void *context, const char *name, const char *before, const char *after) {
    (void)before;
    struct base_change *change = context;
    if (change->code == 0)
        change->code = config_set(&change->staged, bytes_of_text(name), bytes_of_text(after),
                                  CONFIG_SOURCE_LIVE, change->problem);
}

int config_layers_set_base(struct config_layers *layers, const struct config *base,
                           struct buffer *problem) {
    struct base_change change = {.problem = problem};
    config_copy(&change.staged, &layers->base);
    config_difference(&layers->base, base, stage, &change);
    if (change.code == 0) {
        config_release(&layers->base);
        layers->base = change.staged;
    } else {
        config_release(&change.staged);
    }
    return change.code;
}

static void overlay(struct config *config, const struct table *values, enum config_source source) {
    size_t position = 0;
    struct bytes name;
    void *value;
    struct buffer ignored;
    buffer_init(&ignored, CONFIG_VALUE_MAXIMUM);
    while (table_walk(values, &position, &name, &value)) {
        int code = config_set(config, name, bytes_of_text(value), source, &ignored);
        CHECK(code == 0); /* it was tried when it came in */
    }
    buffer_release(&ignored);
}

int config_layers_settle(struct config_layers *layers, struct buffer *problem) {
    config_release(&layers->effective);
    config_copy(&layers->effective, &layers->base);
    overlay(&layers->effective, layers->cluster, CONFIG_SOURCE_CLUSTER);
    overlay(&layers->effective, layers->node, CONFIG_SOURCE_LIVE);
    return config_check(&layers->effective, problem);
}

static enum config_layer layer_of(const struct config_layers *layers,
                                  const struct setting *setting) {
    struct bytes name = bytes_of_text(setting->name);
    char scratch[SETTING_NUMBER_TEXT_BYTES], default_scratch[SETTING_NUMBER_TEXT_BYTES];
    if (table_get(layers->node, name) != NULL)
        return CONFIG_LAYER_NODE;
    if (table_get(layers->cluster, name) != NULL)
        return CONFIG_LAYER_CLUSTER;
    const char *value = setting_show(setting, &layers->base, scratch);
    const char *built_in = setting_show_default(setting, default_scratch);
    return strcmp(value, built_in) == 0 ? CONFIG_LAYER_BUILT_IN : CONFIG_LAYER_FILE;
}

void config_layers_tell(const struct config_layers *layers, struct bytes pattern,
                        void (*emit)(void *context, const char *name, const char *value,
                                     enum config_layer layer, enum config_when when),
                        void *context) {
    const struct setting *setting;
    for (size_t i = 0; (setting = setting_at(i)) != NULL; i++) {
        char scratch[SETTING_NUMBER_TEXT_BYTES];
        enum config_layer layer = layer_of(layers, setting);
        bool is_silent = setting->is_remembered && layer == CONFIG_LAYER_BUILT_IN;
        if (is_silent || !glob_match(pattern, bytes_of_text(setting->name), true))
            continue;
        const char *value = setting_show(setting, &layers->effective, scratch);
        bool is_hidden = *value != '\0' && config_is_secret(setting->name);
        emit(context, setting->name, is_hidden ? "(hidden)" : value, layer, setting->when);
    }
}

struct overruling {
    const struct config_layers *layers;
    void (*emit)(void *context, const char *name, const char *value, enum config_layer layer);
    void *context;
};

static void tell_if_overruled(void *context, const char *name, const char *before,
                              const char *after) {
    (void)before;
    const struct overruling *overruling = context;
    const struct setting *setting = setting_find(bytes_of_text(name));
    char scratch[SETTING_NUMBER_TEXT_BYTES];
    const char *effective = setting_show(setting, &overruling->layers->effective, scratch);
    if (strcmp(effective, after) != 0)
        overruling->emit(overruling->context, name, config_is_secret(name) ? "(hidden)" : after,
                         layer_of(overruling->layers, setting));
}

void config_layers_tell_overruled(const struct config_layers *layers, const struct config *before,
                                  void (*emit)(void *context, const char *name, const char *value,
                                               enum config_layer layer),
                                  void *context) {
    struct overruling overruling = {.layers = layers, .emit = emit, .context = context};
    config_difference(before, &layers->base, tell_if_overruled, &overruling);
}

const char *config_layer_text(enum config_layer layer) {
    switch (layer) {
    case CONFIG_LAYER_BUILT_IN:
        return "built-in";
    case CONFIG_LAYER_FILE:
        return "file";
    case CONFIG_LAYER_CLUSTER:
        return "cluster";
    case CONFIG_LAYER_NODE:
        return "node";
    }
    UNREACHABLE();
}
