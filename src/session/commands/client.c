/* CLIENT: what is known of connections, and ending them. LIST and KILL ask every worker
 * (calls/ask.c). */

#include "base/check.h"
#include "base/text/number.h"
#include "connection/login.h"
#include "connection/subscriptions.h"
#include "session/calls/ask.h"
#include "session/client/session.h"
#include "session/commands/commands.h"
#include "worker/worker.h"

/* ---- names ---- */

static void set_text(char out[SESSION_NAME_MAXIMUM], struct bytes text) {
    if (text.length)
        memcpy(out, text.data, text.length);
    out[text.length] = '\0';
}

void session_set_name(struct session *session, struct bytes name) { set_text(session->name, name); }

/* ---- one connection as a line ---- */

static void append_flags(const struct session *session, struct buffer *out) {
    size_t before = out->length;
    buffer_append_text(out, session->is_closing ? "c" : "");
    buffer_append_text(out, session->subscriptions.count ? "P" : "");
    buffer_append_text(out, session->is_readonly ? "r" : "");
    buffer_append_text(out, session->is_no_evict ? "e" : "");
    buffer_append_text(out, out->length == before ? "N" : "");
}

static size_t waiting_reply_bytes(const struct session *session) {
    size_t bytes = 0;
    for (size_t i = 0; i < queue_count(&session->slots); i++)
        bytes += ((struct reply_slot *)queue_at(&session->slots, i))->heap_bytes;
    return bytes;
}

/* Redis's fields that have a meaning here, in its order. */
static void append_line(const struct session *session, struct buffer *out) {
    const struct worker *worker = session->worker;
    uint64_t waiting = waiting_reply_bytes(session);
    size_t input_free = session->input.capacity - session->input.start - session->input.length;
    buffer_append_format(
        out, "id=%llu addr=%s laddr=%s name=%s age=%llu idle=%llu flags=",
        (unsigned long long)session->id, session->peer_name, session->own_name, session->name,
        (unsigned long long)((worker_wall_ms(worker) - session->created_ms) / 1000),
        (unsigned long long)((worker_now_us(worker) - session->last_input_us) / 1000000));
    append_flags(session, out);
    buffer_append_format(out, " db=0 sub=%zu psub=%zu ssub=0 multi=-1 qbuf=%zu qbuf-free=%zu",
                         subscriptions_count(&session->subscriptions, false),
                         subscriptions_count(&session->subscriptions, true), session->input.length,
                         input_free);
    buffer_append_format(
        out, " obl=%zu oll=%zu omem=%llu tot-mem=%llu", session->output.length,
        queue_count(&session->slots), (unsigned long long)waiting,
        (unsigned long long)(sizeof *session + session->input.capacity + session->output.capacity +
                             session->slots.capacity * session->slots.element_bytes + waiting));
    buffer_append_format(
        out, " events=%s%s cmd=%s user=default redir=-1 resp=%d lib-name=%s lib-ver=%s\n",
        session->is_paused ? "" : "r", session->output.length ? "w" : "",
        session->last_command ? session->last_command->name : "NULL", session->protocol,
        session->library_name, session->library_version);
}

/* ---- which connections ---- */

struct client_filter {
    const struct bytes *ids; /* LIST ID: these only */
    size_t id_count;
    int64_t id;                    /* KILL ID; 0: any */
    bool is_nobody;                /* of a type that no connection here has */
    bool is_normal, is_subscriber; /* TYPE: of these only */
    bool is_skipping_asker;
    struct bytes address, own_address; /* BYTES_NONE: any */
};

/* No connection is a replica's: those speak to each other on the peer port. False: an unknown word.
 */
static bool parse_type(struct bytes type, struct client_filter *filter, struct reply *reply) {
    static const char *const others[] = {"master", "replica", "slave"};
    filter->is_normal = bytes_equal_ignoring_case(type, "normal");
    filter->is_subscriber = bytes_equal_ignoring_case(type, "pubsub");
    if (filter->is_normal || filter->is_subscriber)
        return true;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (bytes_equal_ignoring_case(type, others[i])) {
            filter->is_nobody = true;
            return true;
        }
    }
    reply_error_format(reply, "ERR Unknown client type '%.*s'", BYTES_PRINT(type));
    return false;
}

static bool parse_list_filter(const struct bytes *arguments, size_t count,
                              struct client_filter *filter, struct reply *reply) {
    *filter = (struct client_filter){0};
    if (count == 4 && bytes_equal_ignoring_case(arguments[2], "type"))
        return parse_type(arguments[3], filter, reply);
    if (count > 3 && bytes_equal_ignoring_case(arguments[2], "id")) {
        filter->ids = arguments + 3;
        filter->id_count = count - 3;
        for (size_t i = 3; i < count; i++) {
            int64_t id;
            if (!number_parse_i64(arguments[i], &id)) {
                reply_error(reply, "ERR Invalid client ID");
                return false;
            }
        }
        return true;
    }
    if (count != 2)
        reply_error(reply, REPLY_SYNTAX);
    return count == 2;
}

static bool parse_kill_option(struct bytes name, struct bytes value, struct client_filter *filter,
                              struct reply *reply) {
    if (bytes_equal_ignoring_case(name, "id")) {
        bool is_id = number_parse_i64(value, &filter->id) && filter->id > 0;
        if (!is_id)
            reply_error(reply, "ERR client-id should be greater than 0");
        return is_id;
    }
    if (bytes_equal_ignoring_case(name, "type"))
        return parse_type(value, filter, reply);
    if (bytes_equal_ignoring_case(name, "addr")) {
        filter->address = value;
        return true;
    }
    if (bytes_equal_ignoring_case(name, "laddr")) {
        filter->own_address = value;
        return true;
    }
    if (bytes_equal_ignoring_case(name, "user")) {
        bool is_user = bytes_equal(value, BYTES_LITERAL("default"));
        if (!is_user)
            reply_error_format(reply, "ERR No such user '%.*s'", BYTES_PRINT(value));
        return is_user;
    }
    filter->is_skipping_asker = bytes_equal_ignoring_case(value, "yes");
    if (bytes_equal_ignoring_case(name, "skipme") &&
        (filter->is_skipping_asker || bytes_equal_ignoring_case(value, "no")))
        return true;
    reply_error(reply, REPLY_SYNTAX);
    return false;
}

static bool parse_kill_filter(const struct bytes *arguments, size_t count,
                              struct client_filter *filter, struct reply *reply) {
    *filter = (struct client_filter){0};
    if (count == 3) { /* the old form: CLIENT KILL host:port, also of oneself */
        filter->address = arguments[2];
        return true;
    }
    filter->is_skipping_asker = true;
    for (size_t i = 2; i < count; i += 2) {
        if (i + 1 == count) {
            reply_error(reply, REPLY_SYNTAX);
            return false;
        }
        if (!parse_kill_option(arguments[i], arguments[i + 1], filter, reply))
            return false;
    }
    return true;
}

static bool is_listed(const struct client_filter *filter, uint64_t id) {
    for (size_t i = 0; i < filter->id_count; i++) {
        int64_t listed = 0;
        if (number_parse_i64(filter->ids[i], &listed) && (uint64_t)listed == id)
            return true;
    }
    return filter->id_count == 0;
}

static bool is_text(struct bytes wanted, const char *text) {
    return wanted.data == NULL || bytes_equal(wanted, bytes_of_text(text));
}

static bool is_meant(const struct client_filter *filter, const struct session *session,
                     uint64_t asker) {
    bool is_subscriber = session->subscriptions.count > 0;
    if ((filter->is_normal && is_subscriber) || (filter->is_subscriber && !is_subscriber))
        return false;
    return !session->is_gone && !filter->is_nobody && is_listed(filter, session->id) &&
           (filter->id == 0 || (uint64_t)filter->id == session->id) &&
           is_text(filter->address, session->peer_name) &&
           is_text(filter->own_address, session->own_name) &&
           !(filter->is_skipping_asker && session->id == asker);
}

/* ---- LIST and KILL ---- */

typedef bool (*filter_parser)(const struct bytes *arguments, size_t count,
                              struct client_filter *filter, struct reply *reply);

/* Does it to every session of this worker that is meant. */
static void each_meant(struct worker *worker, const struct ask_words *words, filter_parser parse,
                       void (*visit)(struct session *session, const struct ask_words *words,
                                     struct ask_answer *answer),
                       struct ask_answer *answer) {
    struct client_filter filter;
    struct reply nobody = {.out = NULL, .protocol = 2};
    if (!parse(words->arguments, words->argument_count, &filter, &nobody))
        return; /* the asking worker has refused it already */
    LIST_EACH (&worker->sessions->all, link) {
        struct session *session = LIST_ELEMENT(link, struct session, link);
        if (is_meant(&filter, session, words->asker)) {
            answer->number++;
            visit(session, words, answer);
        }
    }
}

static void list(struct session *session, const struct ask_words *words,
                 struct ask_answer *answer) {
    (void)words;
    append_line(session, &answer->text);
}

static void answer_list(struct worker *worker, const struct ask_words *words,
                        struct ask_answer *answer) {
    each_meant(worker, words, parse_list_filter, list, answer);
}

static void reply_list(const struct worker *worker, const struct ask_answer *all,
                       struct reply *reply) {
    (void)worker;
    reply_verbatim(reply, buffer_bytes(&all->text));
}

static bool client_list(struct session_command *call) {
    static const struct ask_question LIST = {.answer = answer_list, .reply = reply_list};
    struct client_filter filter;
    return !parse_list_filter(call->arguments, call->argument_count, &filter, call->reply) ||
           ask_workers(call, &LIST);
}

/* Who asks for its own end hears that it was asked for. */
static void kill_one(struct session *session, const struct ask_words *words,
                     struct ask_answer *answer) {
    (void)answer;
    if (session->id == words->asker)
        session_close_after_reply(session);
    else
        session_kill(session);
}

static void answer_kill(struct worker *worker, const struct ask_words *words,
                        struct ask_answer *answer) {
    each_meant(worker, words, parse_kill_filter, kill_one, answer);
}

static void reply_kill_address(const struct worker *worker, const struct ask_answer *all,
                               struct reply *reply) {
    (void)worker;
    if (all->number)
        reply_ok(reply);
    else
        reply_error(reply, "ERR No such client");
}

static bool client_kill(struct session_command *call) {
    static const struct ask_question KILL = {.answer = answer_kill, .reply = ask_reply_number};
    static const struct ask_question KILL_ADDRESS = {.answer = answer_kill,
                                                     .reply = reply_kill_address};
    bool is_old_form = call->argument_count == 3; /* CLIENT KILL host:port */
    struct client_filter filter;
    return !parse_kill_filter(call->arguments, call->argument_count, &filter, call->reply) ||
           ask_workers(call, is_old_form ? &KILL_ADDRESS : &KILL);
}

/* ---- this connection ---- */

static bool client_id(struct session_command *call) {
    reply_integer(call->reply, (int64_t)call->session->id);
    return true;
}

/* Keys are not tracked here: no connection is told of changes. */
static bool client_getredir(struct session_command *call) {
    reply_integer(call->reply, -1);
    return true;
}

static bool client_trackinginfo(struct session_command *call) {
    reply_map(call->reply, 3);
    reply_bulk_text(call->reply, "flags");
    reply_set(call->reply, 1);
    reply_bulk_text(call->reply, "off");
    reply_bulk_text(call->reply, "redirect");
    reply_integer(call->reply, -1);
    reply_bulk_text(call->reply, "prefixes");
    reply_array(call->reply, 0);
    return true;
}

static bool client_getname(struct session_command *call) {
    if (call->session->name[0])
        reply_bulk_text(call->reply, call->session->name);
    else
        reply_null(call->reply);
    return true;
}

static bool client_setname(struct session_command *call) {
    if (login_name_is_valid(call->arguments[2], call->reply)) {
        session_set_name(call->session, call->arguments[2]);
        reply_ok(call->reply);
    }
    return true;
}

static bool client_setinfo(struct session_command *call) {
    struct bytes attribute = call->arguments[2], value = call->arguments[3];
    bool is_name = bytes_equal_ignoring_case(attribute, "lib-name");
    if (!is_name && !bytes_equal_ignoring_case(attribute, "lib-ver")) {
        reply_error_format(call->reply, "ERR Unrecognized option '%.*s'", BYTES_PRINT(attribute));
    } else if (!bytes_are_word(value)) {
        reply_error_format(call->reply,
                           "ERR %.*s cannot contain spaces, newlines or special characters.",
                           BYTES_PRINT(attribute));
    } else if (value.length >= SESSION_NAME_MAXIMUM) {
        reply_error_format(call->reply, "ERR %.*s cannot be longer than %d bytes",
                           BYTES_PRINT(attribute), SESSION_NAME_MAXIMUM - 1);
    } else {
        set_text(is_name ? call->session->library_name : call->session->library_version, value);
        reply_ok(call->reply);
    }
    return true;
}

static bool client_info(struct session_command *call) {
    struct buffer line;
    buffer_init(&line, SIZE_MAX);
    append_line(call->session, &line);
    reply_verbatim(call->reply, buffer_bytes(&line));
    buffer_release(&line);
    return true;
}

/* SKIP is silent itself and then silences the next one; after OFF it changes nothing. */
static bool client_reply(struct session_command *call) {
    struct session *session = call->session;
    if (bytes_equal_ignoring_case(call->arguments[2], "on")) {
        session->reply_mode = SESSION_REPLY_ON;
        reply_ok(call->reply);
    } else if (bytes_equal_ignoring_case(call->arguments[2], "off")) {
        session->reply_mode = SESSION_REPLY_OFF;
    } else if (!bytes_equal_ignoring_case(call->arguments[2], "skip")) {
        reply_error(call->reply, REPLY_SYNTAX);
    } else if (session->reply_mode != SESSION_REPLY_OFF) {
        session->reply_mode = SESSION_REPLY_SKIP;
    }
    return true;
}

/* Nothing is ever evicted here, and no use of keys is counted: what the client asks for is so
 * already. */
static bool client_no_evict(struct session_command *call) {
    bool is_on = bytes_equal_ignoring_case(call->arguments[2], "on");
    if (!is_on && !bytes_equal_ignoring_case(call->arguments[2], "off")) {
        reply_error(call->reply, REPLY_SYNTAX);
        return true;
    }
    call->session->is_no_evict = is_on;
    reply_ok(call->reply);
    return true;
}

static bool client_no_touch(struct session_command *call) {
    if (bytes_equal_ignoring_case(call->arguments[2], "on") ||
        bytes_equal_ignoring_case(call->arguments[2], "off"))
        reply_ok(call->reply);
    else
        reply_error(call->reply, REPLY_SYNTAX);
    return true;
}

static bool client_help(struct session_command *call) {
    static const char *const lines[] = {
        "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "GETREDIR",
        "    Which connection is told of changed keys: -1, none.",
        "GETNAME",
        "    The name of this connection.",
        "ID",
        "    The id of this connection.",
        "INFO",
        "    What is known of this connection.",
        "KILL <host:port>",
        "    Ends the connection from that address.",
        "KILL <option> <value> [<option> <value> ...]",
        "    Ends the connections that all options fit, and says how many:",
        "    * ADDR <host:port>      the client's side",
        "    * LADDR <host:port>     this node's side",
        "    * ID <client-id>",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
        "    * USER <name>",
        "    * SKIPME (YES|NO)       whether this connection is spared (it is unless NO is said)",
        "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB)] [ID <client-id> ...]",
        "    What is known of all connections of this node, a line each.",
        "NO-EVICT (ON|OFF)",
        "    Keeps this connection when memory for clients runs short.",
        "NO-TOUCH (ON|OFF)",
        "    Keeps what this connection reads from counting as used.",
        "REPLY (ON|OFF|SKIP)",
        "    Switches the replies of this connection on or off, or skips the next one.",
        "SETINFO (LIB-NAME|LIB-VER) <text>",
        "    Tells the client library.",
        "SETNAME <name>",
        "    Names this connection.",
        "TRACKINGINFO",
        "    How keys are tracked for this connection: off.",
    };
    reply_help(call->reply, lines, sizeof lines / sizeof lines[0]);
    return true;
}

bool client_command(struct session_command *call) {
    static const struct {
        const char *name;
        bool (*run)(struct session_command *call);
    } subcommands[] = {{"client|id", client_id},
                       {"client|getredir", client_getredir},
                       {"client|trackinginfo", client_trackinginfo},
                       {"client|getname", client_getname},
                       {"client|setname", client_setname},
                       {"client|setinfo", client_setinfo},
                       {"client|info", client_info},
                       {"client|list", client_list},
                       {"client|kill", client_kill},
                       {"client|reply", client_reply},
                       {"client|no-evict", client_no_evict},
                       {"client|no-touch", client_no_touch},
                       {"client|help", client_help}};
    for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++)
        if (strcmp(subcommands[i].name, call->command->name) == 0)
            return subcommands[i].run(call);
    UNREACHABLE();
}
