/* How sure a reply is: chosen for the node by the setting `durability`, for a connection by TROTHDB
 * DURABILITY, for one command by TROTHDB WITH. Replies that wait for the disk, and those that do
 * not, keep their order. */
#include "session/client/durability.h"

#include "base/check.h"
#include "base/planted.h"
#include "session/client/session_command.h"
#include "session/client/state.h"
#include "worker/worker.h"

bool durability_parse(struct bytes word, enum session_durability *durability) {
    if (bytes_equal_ignoring_case(word, "sync"))
        *durability = DURABILITY_OF_SYNC;
    else if (bytes_equal_ignoring_case(word, "async"))
        *durability = DURABILITY_OF_ASYNC;
    else
        return false;
    return true;
}

bool session_is_async(const struct session *session) {
    enum session_durability chosen = session->command_durability != DURABILITY_OF_NODE
                                         ? session->command_durability
                                         : session->durability;
    switch (chosen) {
    case DURABILITY_OF_NODE:
        return session->worker->config.durability == DURABILITY_ASYNC;
    case DURABILITY_OF_SYNC:
        return false;
    case DURABILITY_OF_ASYNC:
        return true;
    }
    UNREACHABLE();
}

static const char *word_of(enum session_durability durability) {
    switch (durability) {
    case DURABILITY_OF_NODE:
        return "default";
    case DURABILITY_OF_SYNC:
        return "sync";
    case DURABILITY_OF_ASYNC:
        return "async";
    }
    UNREACHABLE();
}

void durability_command(struct session_command *call) {
    struct session *session = call->session;
    struct bytes word = call->argument_count == 3 ? call->arguments[2] : BYTES_NONE;
    if (call->argument_count > 3) {
        reply_error(call->reply, REPLY_SYNTAX);
    } else if (call->argument_count == 2) {
        reply_array(call->reply, 2);
        reply_bulk_text(call->reply, word_of(session->durability));
        reply_bulk_text(call->reply, session_is_async(session) ? "async" : "sync");
    } else if (bytes_equal_ignoring_case(word, "default")) {
        if (!PLANTED(CONNECTION_STAYS_ASYNC))
            session->durability = DURABILITY_OF_NODE;
        reply_ok(call->reply);
    } else if (durability_parse(word, &session->durability)) {
        reply_ok(call->reply);
    } else {
        reply_error(call->reply, "ERR durability is sync, async or default");
    }
}
