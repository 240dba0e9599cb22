#include "session/client/held.h"

#include "base/log.h"
#include "session/client/session.h"
#include "worker/observe.h"
#include "worker/worker.h"

static size_t bytes_of_session(const struct session *session) {
    return session->input.length + session->output.length + session->held_bytes;
}

void held_count(struct session *session) {
    size_t bytes = bytes_of_session(session);
    session->worker->sessions->held_bytes += bytes - session->counted_bytes;
    session->counted_bytes = bytes;
}

static size_t share_of(const struct worker *worker) {
    size_t maximum = (size_t)worker->config.maxmemory_clients;
    if (maximum == 0)
        return SIZE_MAX;
    size_t share = maximum / worker->count;
    return share > HELD_LEAST_BYTES ? share : HELD_LEAST_BYTES;
}

static void count_all(struct worker *worker) {
    LIST_EACH (&worker->sessions->all, link)
        held_count(LIST_ELEMENT(link, struct session, link));
}

/* NULL: nobody who may be closed holds anything. */
static struct session *holder_of_most(struct worker *worker) {
    struct session *most = NULL;
    LIST_EACH (&worker->sessions->all, link) {
        struct session *session = LIST_ELEMENT(link, struct session, link);
        bool is_more = session->counted_bytes > (most ? most->counted_bytes : 0);
        if (is_more && !session->is_no_evict)
            most = session;
    }
    return most;
}

static void show(struct worker *worker) {
    struct sessions *sessions = worker->sessions;
    if (sessions->held_bytes != sessions->shown_bytes)
        observe_held(worker, sessions->held_bytes);
    sessions->shown_bytes = sessions->held_bytes;
}

bool held_limit(struct worker *worker) {
    size_t share = share_of(worker);
    bool is_any = false;
    if (worker->sessions->held_bytes > share)
        count_all(worker);
    while (worker->sessions->held_bytes > share) {
        struct session *session = holder_of_most(worker);
        if (session == NULL)
            break;
        session_evict(session);
        held_count(session);
        is_any = true;
    }
    show(worker);
    return is_any;
}
