/* Blobs in a bucket of an S3-compatible store, by libcurl, which signs the requests (AWS Signature
 * Version 4). The bucket stands in the path (ENDPOINT/BUCKET/PREFIX/NAME), which every such store
 * understands. */
#include "base/check.h"
#include "base/memory.h"
#include "base/text/hex.h"
#include "io/real/blob_thread.h"
#include "io/real/curl_library.h"
#include "io/real/real_blob.h"
#include "io/real/s3_answer.h"
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    S3_TEXT_BYTES = 512,
    S3_TOKEN_BYTES = 8192,
    S3_URL_BYTES = 8192, /* endpoint, bucket, prefix and the longest key, each byte escaped */
    S3_CONNECT_SECONDS = 10,
    /* A request whose bytes come, or go, more slowly is given up after so long: one that drips
     * would otherwise be waited for as one that is silent is not. The slowest line that an archive
     * is sent over is a hundred times as fast. */
    S3_LEAST_BYTES_PER_SECOND = 1024,
    S3_PATIENCE_SECONDS = 30,
    S3_LISTING_BYTES = 8 << 20,
    S3_REFUSAL_BYTES = 64 << 10,
    S3_GOT = 200,             /* the code of an answer that is a whole blob, or a listing */
    S3_PAUSE_US = 100 * 1000, /* before the second attempt, and twice as long before each further */
};

struct blob_s3 {
    struct blob_store store;
    struct blob_thread thread;
    struct curl_library library;
    CURL *curl; /* of who makes the calls: the thread, or the owner where there is none */
    char bucket[S3_TEXT_BYTES];
    char prefix[BLOB_NAME_MAXIMUM]; /* empty, or with a '/' at its end */
    char endpoint[S3_TEXT_BYTES];
    char signing[S3_TEXT_BYTES]; /* "aws:amz:<region>:s3" */
    char credentials[S3_TEXT_BYTES];
    char token_header[S3_TOKEN_BYTES]; /* empty: none */
    unsigned attempts, patience_seconds;
};

struct s3_request {
    struct blob_s3 *s3;
    const char *method, *url;
    bool is_of_blob; /* that should be there already */
    struct bytes body;
    struct buffer *out;    /* of a good answer */
    struct buffer refusal; /* of any other */
    long code;
    bool is_head_whole; /* of the answer: up to the empty line */
    bool is_body_sent;
    CURLcode outcome;
};

static struct blob_s3 *s3_of(struct blob_store *store) { return (struct blob_s3 *)(void *)store; }

/* ---- one request ---- */

static bool is_good(long code) { return code >= 200 && code < 300; }

static size_t take_answer(char *data, size_t size, size_t count, void *context) {
    struct s3_request *request = context;
    long code = 0;
    request->s3->library.easy_getinfo(request->s3->curl, CURLINFO_RESPONSE_CODE, &code);
    struct buffer *into = code == S3_GOT && request->out ? request->out : &request->refusal;
    buffer_append(into, data, size * count);
    return into->is_overflowed && into == request->out ? 0 : size * count;
}

/* Each line by itself. A connection that ends within them is a good answer to libcurl. */
static size_t take_head(char *line, size_t size, size_t count, void *context) {
    struct s3_request *request = context;
    request->is_head_whole = size * count > 0 && (line[0] == '\r' || line[0] == '\n');
    return size * count;
}

static int break_off_if_closing(void *context, curl_off_t total, curl_off_t got, curl_off_t to_send,
                                curl_off_t sent) {
    (void)total, (void)got, (void)to_send, (void)sent;
    return atomic_load(&((struct blob_s3 *)context)->thread.is_closing);
}

/* libcurl copies what it is given, and may have no memory for that. A request that lacks something
 * would be another: without its method a removal is a get. So it is not made at all. */
#define SET(request, option, value)                                                                \
    do {                                                                                           \
        if ((request)->outcome == CURLE_OK)                                                        \
            (request)->outcome =                                                                   \
                (request)->s3->library.easy_setopt((request)->s3->curl, option, value);            \
    } while (0)

/* A body is given as fields of a POST that is called PUT: that way its hash is signed too. */
static void set_body(struct s3_request *request) {
    if (strcmp(request->method, "PUT") == 0) {
        SET(request, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length);
        SET(request, CURLOPT_POSTFIELDS,
            request->body.length ? (const char *)request->body.data : "");
    }
    SET(request, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_options(struct s3_request *request, char error[CURL_ERROR_SIZE]) {
    struct blob_s3 *s3 = request->s3;
    s3->library.easy_reset(s3->curl);
    SET(request, CURLOPT_URL, request->url);
    SET(request, CURLOPT_NOSIGNAL, 1L);
    SET(request, CURLOPT_ERRORBUFFER, error);
    SET(request, CURLOPT_CONNECTTIMEOUT, (long)S3_CONNECT_SECONDS);
    SET(request, CURLOPT_LOW_SPEED_LIMIT, (long)S3_LEAST_BYTES_PER_SECOND);
    SET(request, CURLOPT_LOW_SPEED_TIME, (long)s3->patience_seconds);
    SET(request, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(request, CURLOPT_AWS_SIGV4, s3->signing);
    SET(request, CURLOPT_USERPWD, s3->credentials);
    SET(request, CURLOPT_NOPROGRESS, 0L);
    SET(request, CURLOPT_XFERINFOFUNCTION, break_off_if_closing);
    SET(request, CURLOPT_XFERINFODATA, s3);
    SET(request, CURLOPT_WRITEFUNCTION, take_answer);
    SET(request, CURLOPT_WRITEDATA, request);
    SET(request, CURLOPT_HEADERFUNCTION, take_head);
    SET(request, CURLOPT_HEADERDATA, request);
    set_body(request);
}

static bool is_missing(const struct s3_request *request, struct bytes code) {
    return request->code == 404 && request->is_of_blob &&
           !bytes_equal(code, BYTES_LITERAL("NoSuchBucket"));
}

static const char *advice_for(const struct s3_request *request, struct bytes code) {
    if (request->code == 403 || request->code == 401)
        return "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, the region and what this key may "
               "do";
    if (bytes_equal(code, BYTES_LITERAL("NoSuchBucket")))
        return "make the bucket, or name another";
    if (request->code >= 300 && request->code < 400)
        return "check the endpoint and the region: what it leads to is not followed";
    if (is_missing(request, code))
        return "it was removed, or never was there";
    return "check the endpoint, and what its log says";
}

/* A blob comes whole or not at all. Of one that is put S3 has nothing to say; who does, a proxy
 * that wants a password, say, does not keep it. And where memory is short libcurl sends requests
 * that are neither signed nor have a body, which a bucket that is open to everybody would keep. */
static bool is_done(const struct s3_request *request) {
    if (request->outcome != CURLE_OK || !request->is_head_whole || !request->is_body_sent ||
        !is_good(request->code))
        return false;
    return request->out ? request->code == S3_GOT
                        : strcmp(request->method, "PUT") != 0 || request->refusal.length == 0;
}

static bool is_too_long(const struct s3_request *request) {
    return request->out && request->out->is_overflowed;
}

/* What a store says may hold anything. */
static void make_one_line(char *text) {
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
}

static const char *reason_of(const struct s3_request *request, const char *error) {
    if (request->outcome == CURLE_OK)
        return request->is_head_whole ? "not all of it was sent" : "the answer was broken off";
    return error[0] ? error : request->s3->library.easy_strerror(request->outcome);
}

static int explain(const struct s3_request *request, const char *error,
                   struct blob_problem *problem) {
    char *text = problem->text;
    const size_t room = sizeof problem->text;
    if (request->outcome == CURLE_ABORTED_BY_CALLBACK) {
        snprintf(text, room, "broken off: the store is being closed");
        return ERR_BUSY;
    }
    if (is_too_long(request)) {
        snprintf(text, room, "%s %.300s: the answer is longer than any blob of ours",
                 request->method, request->url);
        return ERR_LIMIT;
    }
    if (request->outcome == CURLE_OUT_OF_MEMORY) {
        snprintf(text, room, "%s %.300s: there is not enough memory for it", request->method,
                 request->url);
        return ERR_IO;
    }
    if (request->outcome != CURLE_OK || !request->is_head_whole ||
        (is_good(request->code) && !request->is_body_sent)) {
        snprintf(text, room, "%s %.300s: %s; check the endpoint and the network", request->method,
                 request->url, reason_of(request, error));
        return ERR_IO;
    }
    if (is_good(request->code)) {
        snprintf(text, room,
                 "%s %.300s: the answer, %ld, is none of an S3 store; check "
                 "the endpoint",
                 request->method, request->url, request->code);
        return ERR_IO;
    }
    struct bytes xml = buffer_bytes(&request->refusal);
    /* The words of the store's own refusal. */
    struct bytes code = s3_element(xml, "Code"), message = s3_element(xml, "Message");
    if (message.length > 200)
        message.length = 200;
    snprintf(text, room, "%s %.300s: the store says %ld %.*s%s%.*s; %s", request->method,
             request->url, request->code, BYTES_PRINT(code), message.length ? ": " : "",
             BYTES_PRINT(message), advice_for(request, code));
    bool is_credentials = request->code == 403 || request->code == 401;
    return is_credentials ? ERR_REFUSED : is_missing(request, code) ? ERR_NOT_FOUND : ERR_IO;
}

static void add_header(struct s3_request *request, struct curl_slist **headers, const char *text) {
    struct curl_slist *longer = request->s3->library.slist_append(*headers, text);
    if (longer)
        *headers = longer;
    else
        request->outcome = CURLE_OUT_OF_MEMORY;
}

/* S3 wants the hash of the body in a header of its own; libcurl signs with it. */
static void add_body_hash(struct s3_request *request, struct curl_slist **headers) {
    struct bytes body = request->body;
    static const uint8_t nothing[1];
    uint8_t digest[crypto_hash_sha256_BYTES];
    char header[32 + HEX_TEXT_BYTES(sizeof digest)] = "x-amz-content-sha256: ";
    crypto_hash_sha256(digest, body.length ? body.data : nothing, body.length);
    hex_write(digest, sizeof digest, header + strlen(header));
    add_header(request, headers, header);
}

static struct curl_slist *make_headers(struct s3_request *request) {
    struct curl_slist *headers = NULL;
    if (strcmp(request->method, "PUT") == 0)
        add_header(request, &headers, "Content-Type: application/octet-stream");
    add_body_hash(request, &headers);
    if (request->s3->token_header[0])
        add_header(request, &headers, request->s3->token_header);
    SET(request, CURLOPT_HTTPHEADER, headers);
    return headers;
}

static int perform_once(struct s3_request *request, struct blob_problem *problem) {
    struct blob_s3 *s3 = request->s3;
    char error[CURL_ERROR_SIZE] = {0};
    request->outcome = CURLE_OK;
    request->code = 0;
    request->is_head_whole = false;
    curl_off_t sent_bytes = 0;
    set_options(request, error);
    struct curl_slist *headers = make_headers(request);
    buffer_init(&request->refusal, S3_REFUSAL_BYTES);
    if (request->outcome == CURLE_OK) {
        request->outcome = s3->library.easy_perform(s3->curl);
        s3->library.easy_getinfo(s3->curl, CURLINFO_RESPONSE_CODE, &request->code);
        s3->library.easy_getinfo(s3->curl, CURLINFO_SIZE_UPLOAD_T, &sent_bytes);
    }
    request->is_body_sent = sent_bytes == (curl_off_t)request->body.length;
    s3->library.slist_free_all(headers);
    int status = is_done(request) ? 0 : explain(request, error, problem);
    if (status)
        make_one_line(problem->text);
    buffer_release(&request->refusal);
    return status;
}

/* Of a failure. 429 and 503 are how a store says that it is asked too much. */
static bool may_pass(const struct s3_request *request) {
    if (request->outcome != CURLE_OK)
        return request->outcome != CURLE_ABORTED_BY_CALLBACK && !is_too_long(request);
    return request->code == 429 || request->code >= 500;
}

static int perform(struct s3_request *request, struct blob_problem *problem) {
    size_t before = request->out ? request->out->length : 0;
    int status = perform_once(request, problem);
    for (unsigned attempt = 1; status && attempt < request->s3->attempts && may_pass(request);
         attempt++) {
        usleep((useconds_t)S3_PAUSE_US << (attempt - 1));
        if (request->out)
            buffer_truncate(request->out, before);
        status = perform_once(request, problem);
    }
    return status;
}

static void url_of(const struct blob_s3 *s3, const char *name, char url[S3_URL_BYTES]) {
    CHECK(blob_name_is_valid(name));
    snprintf(url, S3_URL_BYTES, "%s/%s/%s%s", s3->endpoint, s3->bucket, s3->prefix, name);
}

/* ---- the calls ---- */

static int s3_put(struct blob_store *store, const char *name, struct bytes bytes,
                  struct blob_problem *problem) {
    char url[S3_URL_BYTES];
    CHECK(bytes.length <= BLOB_BYTES_MAXIMUM);
    url_of(s3_of(store), name, url);
    struct s3_request request = {.s3 = s3_of(store), .method = "PUT", .url = url, .body = bytes};
    return perform(&request, problem);
}

static int s3_get(struct blob_store *store, const char *name, struct buffer *out,
                  struct blob_problem *problem) {
    char url[S3_URL_BYTES];
    url_of(s3_of(store), name, url);
    struct s3_request request = {
        .s3 = s3_of(store), .method = "GET", .url = url, .is_of_blob = true, .out = out};
    return perform(&request, problem);
}

static int s3_remove(struct blob_store *store, const char *name, struct blob_problem *problem) {
    char url[S3_URL_BYTES];
    url_of(s3_of(store), name, url);
    struct s3_request request = {
        .s3 = s3_of(store), .method = "DELETE", .url = url, .is_of_blob = true};
    int status = perform(&request, problem);
    return status == ERR_NOT_FOUND ? 0 : status;
}

/* A put that is broken off leaves nothing in a bucket. */
static int s3_sweep(struct blob_store *store, const char *prefix, struct blob_problem *problem) {
    (void)store, (void)prefix, (void)problem;
    return 0;
}

/* ---- listing, a page at a time ---- */

/* The parameters are in the order of their names, as the signature wants them. */
static void listing_url(const struct blob_s3 *s3, const struct s3_listing *listing,
                        const char *prefix, char url[S3_URL_BYTES]) {
    snprintf(url, S3_URL_BYTES, "%s/%s?list-type=2&prefix=", s3->endpoint, s3->bucket);
    bool has_room = s3_append_escaped(url, S3_URL_BYTES, s3->prefix) &&
                    s3_append_escaped(url, S3_URL_BYTES, prefix);
    if (listing->last[0]) {
        strcat(url, "&start-after=");
        has_room = has_room && s3_append_escaped(url, S3_URL_BYTES, listing->last);
    }
    CHECK(has_room);
}

static int complain_of_listing(const struct blob_s3 *s3, const struct s3_listing *listing,
                               struct blob_problem *problem) {
    if (listing->is_stuck)
        snprintf(problem->text, sizeof problem->text,
                 "the store's listing does not go on behind '%.300s'; its endpoint %.200s does not "
                 "understand start-after",
                 listing->last, s3->endpoint);
    else
        snprintf(problem->text, sizeof problem->text,
                 "the store's listing cannot be read; is its endpoint %.300s an S3 one?",
                 s3->endpoint);
    return ERR_MALFORMED;
}

static int list_page(struct blob_s3 *s3, struct s3_listing *listing, const char *prefix,
                     struct blob_problem *problem) {
    char url[S3_URL_BYTES];
    struct buffer xml;
    buffer_init(&xml, S3_LISTING_BYTES);
    listing_url(s3, listing, prefix, url);
    struct s3_request request = {.s3 = s3, .method = "GET", .url = url, .out = &xml};
    int status = perform(&request, problem);
    if (status == 0) {
        status = s3_listing_read(listing, buffer_bytes(&xml));
        status = status == ERR_MALFORMED ? complain_of_listing(s3, listing, problem) : status;
    }
    buffer_release(&xml);
    return status;
}

static int s3_list(struct blob_store *store, const char *prefix,
                   int (*each)(void *context, const char *name, uint64_t bytes), void *context,
                   struct blob_problem *problem) {
    struct s3_listing listing = {
        .prefix = s3_of(store)->prefix, .wanted = prefix, .each = each, .context = context};
    int status;
    do
        status = list_page(s3_of(store), &listing, prefix, problem);
    while (status == 0 && listing.is_truncated);
    return status;
}

/* ---- opening and closing ---- */

static void s3_free(void *context) {
    struct blob_s3 *s3 = context;
    s3->library.easy_cleanup(s3->curl);
    explicit_bzero(s3->credentials, sizeof s3->credentials);
    memory_free(s3);
}

static void s3_submit(struct blob_store *store, struct blob_job *job) {
    blob_thread_submit(&s3_of(store)->thread, job);
}

static void s3_close(struct blob_store *store) { blob_thread_close(&s3_of(store)->thread); }

static const struct blob_ops s3_ops = {
    .put = s3_put,
    .get = s3_get,
    .list = s3_list,
    .remove = s3_remove,
    .sweep = s3_sweep,
    .submit = s3_submit,
    .close = s3_close,
};

/* The first of these that says something. */
static const char *first_text(const char *given, const char *variable, const char *another,
                              const char *otherwise) {
    const char *text = given && given[0] ? given : getenv(variable);
    text = text && text[0] ? text : getenv(another);
    return text && text[0] ? text : otherwise;
}

static int split_url(struct blob_s3 *s3, const char *url, struct blob_problem *problem) {
    const char *bucket = url + strlen("s3://");
    const char *slash = strchrnul(bucket, '/');
    const char *prefix = *slash ? slash + 1 : slash;
    size_t bucket_bytes = (size_t)(slash - bucket), prefix_bytes = strlen(prefix);
    while (prefix_bytes && prefix[prefix_bytes - 1] == '/')
        prefix_bytes--;
    snprintf(s3->bucket, sizeof s3->bucket, "%.*s", (int)bucket_bytes, bucket);
    snprintf(s3->prefix, sizeof s3->prefix, "%.*s", (int)prefix_bytes, prefix);
    bool is_valid = bucket_bytes < 64 && blob_name_is_valid(s3->bucket) &&
                    prefix_bytes < BLOB_NAME_MAXIMUM / 2 &&
                    (prefix_bytes == 0 || blob_name_is_valid(s3->prefix));
    if (!is_valid) {
        snprintf(problem->text, sizeof problem->text,
                 "'%.200s' does not read s3://BUCKET/PREFIX; letters, digits, '-', '_', '.' and "
                 "'/' are allowed",
                 url);
        return ERR_INVALID;
    }
    if (prefix_bytes)
        strcat(s3->prefix, "/");
    return 0;
}

static int find_credentials(struct blob_s3 *s3, struct blob_problem *problem) {
    const char *key = getenv("AWS_ACCESS_KEY_ID"), *secret = getenv("AWS_SECRET_ACCESS_KEY");
    const char *token = getenv("AWS_SESSION_TOKEN");
    if (!key || !secret || strlen(key) + strlen(secret) + 2 > sizeof s3->credentials) {
        snprintf(problem->text, sizeof problem->text,
                 "no credentials for s3; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the "
                 "environment of this process");
        return ERR_REFUSED;
    }
    int length = snprintf(s3->credentials, sizeof s3->credentials, "%s:%s", key, secret);
    CHECK(length < (int)sizeof s3->credentials);
    if (token && token[0])
        snprintf(s3->token_header, sizeof s3->token_header, "x-amz-security-token: %s", token);
    return 0;
}

static int find_endpoint(struct blob_s3 *s3, const struct blob_options *options,
                         struct blob_problem *problem) {
    char amazons[S3_TEXT_BYTES];
    const char *region =
        first_text(options->region, "AWS_REGION", "AWS_DEFAULT_REGION", "us-east-1");
    snprintf(s3->signing, sizeof s3->signing, "aws:amz:%.64s:s3", region);
    snprintf(amazons, sizeof amazons, "https://s3.%.64s.amazonaws.com", region);
    const char *endpoint =
        first_text(options->endpoint, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", amazons);
    size_t length = strlen(endpoint);
    length -= length && endpoint[length - 1] == '/';
    if (length >= sizeof s3->endpoint) {
        snprintf(problem->text, sizeof problem->text, "the endpoint %.200s is too long", endpoint);
        return ERR_INVALID;
    }
    memcpy(s3->endpoint, endpoint, length);
    return 0;
}

int blob_s3_open(const struct blob_options *options, uv_loop_t *loop, struct blob_store **out,
                 struct blob_problem *problem) {
    struct blob_s3 *s3 = memory_allocate_zeroed(1, sizeof *s3);
    int status = split_url(s3, options->url, problem);
    if (status == 0)
        status = find_credentials(s3, problem);
    if (status == 0)
        status = find_endpoint(s3, options, problem);
    if (status == 0)
        status = curl_library_load(&s3->library, problem->text, sizeof problem->text);
    if (status) {
        memory_free(s3);
        return status;
    }
    s3->curl = s3->library.easy_init();
    CHECK(s3->curl != NULL);
    s3->attempts = options->attempts;
    s3->patience_seconds =
        options->patience_seconds ? options->patience_seconds : (unsigned)S3_PATIENCE_SECONDS;
    s3->store.ops = &s3_ops;
    blob_thread_init(&s3->thread, loop, s3_free, s3);
    *out = &s3->store;
    return 0;
}
