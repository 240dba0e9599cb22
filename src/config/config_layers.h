/* Where the value of a setting comes from. Four layers, and the highest that says something of a
 * setting decides:
 *
 *     node       CONFIG SET on this node, until it restarts or TROTHDB UNSET takes it back
 *     cluster    `trothdb cluster set`: of all nodes, kept by the control shard
 *     file       the configuration file; the flags win over it
 *     built-in   the default in config.def
 *
 * `effective` is the sum, and what everybody reads. Layers are changed as a configuration is: on a
 * copy, which takes the place of the original once config_layers_settle() has agreed to it. */
#pragma once
#include "base/containers/table.h"
#include "config/config.h"

enum config_layer {
    CONFIG_LAYER_BUILT_IN,
    CONFIG_LAYER_FILE,
    CONFIG_LAYER_CLUSTER,
    CONFIG_LAYER_NODE
};

struct config_layers {
    struct config base;           /* built-in, file and flags */
    struct table *cluster, *node; /* name as in config.def -> char *value, owned */
    struct config effective;
};

/* `base` is copied; the other layers are empty. */
void config_layers_init(struct config_layers *layers, const struct config *base);
void config_layers_release(struct config_layers *layers);
/* `to` is initialised by it; a deep copy. */
void config_layers_copy(struct config_layers *to, const struct config_layers *from);

/* `layer` is the cluster's or the node's. Errors as config_set(), which also says what may stand
 * there; `effective` follows with config_layers_settle(). */
int config_layers_set(struct config_layers *layers, enum config_layer layer, struct bytes name,
                      struct bytes value, struct buffer *problem) MUST_CHECK;
/* Takes back what the node's layer says. True if something stood there. */
bool config_layers_unset(struct config_layers *layers, struct bytes name);
/* Empties the cluster's layer, before it is told anew. */
void config_layers_clear_cluster(struct config_layers *layers);
/* The file was read again. ERR_REFUSED if it would change what is set at start, with a sentence. */
int config_layers_set_base(struct config_layers *layers, const struct config *base,
                           struct buffer *problem) MUST_CHECK;

/* Makes `effective` anew. ERR_INVALID with a sentence if the settings do not go together. */
int config_layers_settle(struct config_layers *layers, struct buffer *problem) MUST_CHECK;

/* Calls `emit` for every setting whose name matches the glob pattern, with the layer that decides;
 * secrets are hidden. Settings without an effect here only where somebody set them. */
void config_layers_tell(const struct config_layers *layers, struct bytes pattern,
                        void (*emit)(void *context, const char *name, const char *value,
                                     enum config_layer layer, enum config_when when),
                        void *context);
/* Once the file was read again: calls `emit` for every setting of which it says something else than
 * `before` (the former `base`), without effect, as a higher layer says something else again.
 * Secrets are hidden. */
void config_layers_tell_overruled(const struct config_layers *layers, const struct config *before,
                                  void (*emit)(void *context, const char *name, const char *value,
                                               enum config_layer layer),
                                  void *context);
/* "built-in", "file", "cluster", "node". */
const char *config_layer_text(enum config_layer layer);
