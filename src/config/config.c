#include "config/config.h"
#include "base/check.h"
#include "base/containers/table.h"
#include "base/memory.h"
#include "base/text/glob.h"
#include "config/setting.h"
#include "config/values.h"

enum { DESCRIPTION_INDENT = 4, DESCRIPTION_COLUMNS = 80 };

void config_init(struct config *config) {
    memset(config, 0, sizeof *config);
    config->remembered = table_new();
    struct buffer problem;
    buffer_init(&problem, CONFIG_VALUE_MAXIMUM);
    const struct setting *setting;
    for (size_t i = 0; (setting = setting_at(i)) != NULL; i++) {
        if (setting->is_remembered)
            continue; /* shown with its default until it is set */
        int code = setting_store(setting, config, bytes_of_text(setting->default_text), &problem);
        CHECK(code == 0);
    }
    buffer_release(&problem);
}

void config_release(struct config *config) {
#define SETTING_TEXT(field, name, default_value, when, help) memory_free(config->field);
#include "config/config.def"
    config_values_free(config->remembered);
    memset(config, 0, sizeof *config);
}

void config_copy(struct config *to, const struct config *from) {
    *to = *from;
#define SETTING_TEXT(field, name, default_value, when, help)                                       \
    to->field = memory_copy_text(from->field);
#include "config/config.def"
    to->remembered = config_values_copy(from->remembered);
}

const char *config_durability_risk(const struct config *config) {
    return config->durability == DURABILITY_ASYNC ? DURABILITY_ASYNC_RISK
                                                  : "none, but for what a client asks to be async";
}

/* The control shard's state lies on every node's disk, and goes to whoever holds the cluster key.
 */
static bool may_be_cluster_wide(const struct setting *setting, struct buffer *problem) {
    if (setting->when == CONFIG_AT_START)
        buffer_append_format(problem, "%s: can only be set at start, in each node's file or flags",
                             setting->name);
    else if (config_is_debug(bytes_of_text(setting->name)))
        buffer_append_format(problem, "%s: is for one node at a time, by CONFIG SET",
                             setting->name);
    else if (setting->is_remembered)
        buffer_append_format(problem, "%s: has no effect here; CONFIG SET remembers it on one node",
                             setting->name);
    else if (config_is_secret(setting->name))
        buffer_append_format(problem,
                             "%s: a secret is set on each node, in its file or by "
                             "CONFIG SET, and not kept by the cluster",
                             setting->name);
    else
        return true;
    return false;
}

int config_set(struct config *config, struct bytes name, struct bytes value,
               enum config_source source, struct buffer *problem) {
    const struct setting *setting = setting_find(name);
    if (setting == NULL) {
        struct bytes shown = bytes_of(name.data, name.length < 64 ? name.length : 64);
        buffer_append_format(problem,
                             "no setting is called '%.*s'; `trothdb server --help` lists all",
                             BYTES_PRINT(shown));
        return ERR_NOT_FOUND;
    }
    if (source == CONFIG_SOURCE_LIVE && setting->when == CONFIG_AT_START) {
        buffer_append_format(
            problem,
            "%s: can only be set at start; what the file or a flag says of it takes a restart",
            setting->name);
        return ERR_REFUSED;
    }
    if (source == CONFIG_SOURCE_CLUSTER && !may_be_cluster_wide(setting, problem))
        return ERR_REFUSED;
    return setting_store(setting, config, value, problem);
}

const char *config_name(struct bytes name) {
    const struct setting *setting = setting_find(name);
    return setting ? setting->name : NULL;
}

bool config_is_debug(struct bytes name) {
    const char *own = config_name(name);
    return own != NULL && strncmp(own, "debug-", strlen("debug-")) == 0;
}

bool config_is_secret(const char *name) { return strcmp(name, "requirepass") == 0; }

/* A directory, file:///DIRECTORY or s3://BUCKET...: what else looks like a URL is mistyped, and
 * would be found out only when a backup is wanted. */
static bool is_backup_place(const char *text) {
    return strstr(text, "://") == NULL || strncmp(text, "file:///", 8) == 0 ||
           (strncmp(text, "s3://", 5) == 0 && text[5] != '\0' && text[5] != '/');
}

int config_check(const struct config *config, struct buffer *problem) {
    if (config->heartbeat_ms * 3 > config->election_timeout_ms) {
        buffer_append_format(problem,
                             "heartbeat-ms: %lld is too long for an election-timeout-ms of %lld; "
                             "it must be at most a third of it, so that a lost heartbeat or two "
                             "calls no election",
                             config->heartbeat_ms, config->election_timeout_ms);
        return ERR_INVALID;
    }
    if (config->debug_sync_delay_us > 0 && config->enable_debug_command == ENABLE_DEBUG_NO) {
        buffer_append_text(problem,
                           "debug-sync-delay-us: refused, because it makes a node worse on "
                           "purpose; start the node with --enable-debug-command yes, or "
                           "local, to allow it");
        return ERR_INVALID;
    }
    if (config->gossip_probe_timeout_ms > config->gossip_probe_interval_ms) {
        buffer_append_format(problem,
                             "gossip-probe-timeout-ms: %lld is longer than a "
                             "gossip-probe-interval-ms of %lld; a probe must be decided before the "
                             "next one is sent",
                             config->gossip_probe_timeout_ms, config->gossip_probe_interval_ms);
        return ERR_INVALID;
    }
    if (!is_backup_place(config->backup_to)) {
        buffer_append_format(problem,
                             "backup-to: '%.200s' is no place for backups; name a directory, "
                             "file:///DIRECTORY or s3://BUCKET/PREFIX",
                             config->backup_to);
        return ERR_INVALID;
    }
    return 0;
}

struct config_walk {
    const struct config *config;
    struct bytes pattern;
    void (*emit)(void *context, const char *name, const char *value);
    void *context;
};

static void config_emit_if_matching(void *context, const char *name,
                                    const struct setting *setting) {
    const struct config_walk *walk = context;
    char scratch[SETTING_NUMBER_TEXT_BYTES];
    if (glob_match(walk->pattern, bytes_of_text(name), true))
        walk->emit(walk->context, name, setting_show(setting, walk->config, scratch));
}

void config_get(const struct config *config, struct bytes pattern,
                void (*emit)(void *context, const char *name, const char *value), void *context) {
    struct config_walk walk = {config, pattern, emit, context};
    const struct setting *setting;
    for (size_t i = 0; (setting = setting_at(i)) != NULL; i++)
        config_emit_if_matching(&walk, setting->name, setting);
    setting_each_alias(config_emit_if_matching, &walk);
}

bool config_has_effect(const char *name) {
    const struct setting *setting = setting_find(bytes_of_text(name));
    CHECK(setting != NULL);
    return !setting->is_remembered;
}

void config_append_ineffective(const struct config *config, struct buffer *out) {
    const struct setting *setting;
    for (size_t i = 0; (setting = setting_at(i)) != NULL; i++) {
        char scratch[SETTING_NUMBER_TEXT_BYTES], scratch_default[SETTING_NUMBER_TEXT_BYTES];
        if (!setting->is_remembered || strcmp(setting_show(setting, config, scratch),
                                              setting_show_default(setting, scratch_default)) == 0)
            continue;
        buffer_append_format(out, "%s%s", out->length > 0 ? " " : "", setting->name);
    }
}

void config_difference(const struct config *before, const struct config *after,
                       void (*emit)(void *context, const char *name, const char *before,
                                    const char *after),
                       void *context) {
    const struct setting *setting;
    for (size_t i = 0; (setting = setting_at(i)) != NULL; i++) {
        char scratch_before[SETTING_NUMBER_TEXT_BYTES], scratch_after[SETTING_NUMBER_TEXT_BYTES];
        const char *old = setting_show(setting, before, scratch_before);
        const char *new = setting_show(setting, after, scratch_after);
        if (strcmp(old, new) != 0)
            emit(context, setting->name, old, new);
    }
}

/* Lines of whole words, indented, as narrow as the usual terminal. */
static void append_paragraph(struct buffer *out, const char *text) {
    size_t column = 0;
    while (*text) {
        size_t word = strcspn(text, " ");
        bool is_broken = column == 0 || column + 1 + word > DESCRIPTION_COLUMNS;
        if (is_broken)
            buffer_append_format(out, "%s%*s", column ? "\n" : "", DESCRIPTION_INDENT, "");
        buffer_append_format(out, "%s%.*s", is_broken ? "" : " ", (int)word, text);
        column = is_broken ? DESCRIPTION_INDENT + word : column + 1 + word;
        text += word + strspn(text + word, " ");
    }
    buffer_append_text(out, "\n");
}

void config_describe(struct buffer *out) {
    const struct setting *setting;
    for (size_t i = 0; (setting = setting_at(i)) != NULL; i++) {
        if (setting->is_remembered)
            continue;
        buffer_append_format(out, "%s %s\n", setting->name,
                             *setting->default_text ? setting->default_text : "\"\"");
        append_paragraph(out, setting->help);
        buffer_append_format(out, "%*s", DESCRIPTION_INDENT, "");
        setting_append_allowed(setting, out);
        buffer_append_text(out, setting->when == CONFIG_LIVE ? "; CONFIG SET changes it\n"
                                                             : "; set at start\n");
    }
}
