/* Every setting of TrothDB, one row each in config.def, as one plain struct that is passed by value
 * or const pointer. A configuration is changed as a whole or not at all: parse into a copy, then
 * put the copy in place.
 *
 * A row is SETTING_<KIND>(field, "name", default, [minimum, maximum | words,] LIVE or AT_START,
 * "help") of one of these kinds:
 *
 *   INT     long long with a range
 *   BYTES   a size with kb, mb or gb behind it, as Redis reads them
 *   TEXT    a string, owned by the struct
 *   ENUM    one of the listed words
 *   BOOL    yes or no
 *
 * Redis's settings that mean nothing here (remembered.def) are accepted and remembered. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"

/* Bytes of a value, and of a line of the file; longer ones are refused. The longest value fits into
 * a line, though config_rewrite() may need four bytes for each of its own. */
enum { CONFIG_VALUE_MAXIMUM = 4096, CONFIG_LINE_MAXIMUM = 4 * CONFIG_VALUE_MAXIMUM + 128 };

enum config_when { CONFIG_AT_START, CONFIG_LIVE };
enum config_source {
    CONFIG_SOURCE_FILE,
    CONFIG_SOURCE_FLAG,
    CONFIG_SOURCE_CLUSTER, /* of all nodes: `trothdb cluster set` */
    CONFIG_SOURCE_LIVE
};

struct table;

struct config {
#define SETTING_INT(field, name, default_value, minimum, maximum, when, help)   long long field;
#define SETTING_BYTES(field, name, default_value, minimum, maximum, when, help) long long field;
#define SETTING_TEXT(field, name, default_value, when, help)                    char *field;
#define SETTING_ENUM(field, name, default_value, words, when, help)                                \
    int field; /* position in `words`, split by '|' */
#define SETTING_BOOL(field, name, default_value, when, help) bool field;
#include "config/config.def"
    struct table *remembered; /* Redis settings without a meaning here: name -> char* value */
};

/* words of the enums, in the order of their `words` */
enum { READ_MODE_LEASE, READ_MODE_QUORUM };
enum { DURABILITY_SYNC, DURABILITY_ASYNC };
enum { DISK_ENGINE_AUTO, DISK_ENGINE_THREAD, DISK_ENGINE_IO_URING };
enum { ENABLE_DEBUG_NO, ENABLE_DEBUG_YES, ENABLE_DEBUG_LOCAL };
enum { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

/* What durability async risks: the same words in the help, in INFO and in the console. */
#define DURABILITY_ASYNC_RISK "a power failure can lose writes answered within durability-async-ms"

void config_init(struct config *config); /* all defaults */
void config_release(struct config *config);
/* Which writes that were answered may be lost, by `durability`. Static storage. */
const char *config_durability_risk(const struct config *config);
void config_copy(struct config *to,
                 const struct config *from); /* `to` is initialised by it; a deep copy */

/* Sets one setting from text. 0, or a negative code with a sentence in `problem` that names the
 * setting, the value and what is allowed: ERR_NOT_FOUND for an unknown name, ERR_INVALID for a bad
 * value, ERR_REFUSED where CONFIG_SOURCE_LIVE or CONFIG_SOURCE_CLUSTER would change what can only
 * be set at start, and where the latter would set a secret or what has no effect here. After the
 * last of a series ask config_check(). */
int config_set(struct config *config, struct bytes name, struct bytes value,
               enum config_source source, struct buffer *problem) MUST_CHECK;
/* The rules that span several settings. 0, or ERR_INVALID with a sentence in `problem`.
 * config_parse() asks it itself. */
int config_check(const struct config *config, struct buffer *problem) MUST_CHECK;
/* A whole file, Redis style: "name value", quotes as Redis reads them, # comments. All or nothing.
 * The problem names file and line. */
int config_parse(struct config *config, const char *file_name, struct bytes text,
                 enum config_source source, struct buffer *problem) MUST_CHECK;
/* The setting's own name, for one of Redis's older ones or in another case; NULL: there is none. */
const char *config_name(struct bytes name);
/* It makes a node worse on purpose; enable-debug-command says who may. */
bool config_is_debug(struct bytes name);
/* Its value is shown to nobody but those who ask for it by CONFIG GET. */
bool config_is_secret(const char *name);
/* False for Redis's settings that are only remembered. */
bool config_has_effect(const char *name);
/* Appends the names of those that are set to something else than Redis's default, apart by spaces:
 * whoever set them may count on what does not happen. */
void config_append_ineffective(const struct config *config, struct buffer *out);
/* The file `text` with these settings (name -> char *value) in it: their lines are replaced, the
 * rest stays as it is, and what had no line comes at the end. config_parse() reads it again. */
void config_rewrite(struct bytes text, const struct table *values, struct buffer *out);
/* Calls `emit` with name and value for every setting whose name matches the glob pattern (any
 * case). */
void config_get(const struct config *config, struct bytes pattern,
                void (*emit)(void *context, const char *name, const char *value), void *context);
/* The names of settings that differ between two configurations: one call each. */
void config_difference(const struct config *before, const struct config *after,
                       void (*emit)(void *context, const char *name, const char *before,
                                    const char *after),
                       void *context);
/* Help text of all settings: name, default, range, live or at start, help. */
void config_describe(struct buffer *out);
