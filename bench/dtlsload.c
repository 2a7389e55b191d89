/*
 * dtlsload - a small DTLS 1.2 load generator over OpenSSL (one thread, epoll, connected UDP sockets).
 *
 * BUILD   gcc -O2 -Wall -Wextra -o dtlsload dtlsload.c -lssl -lcrypto      (bench/dtls/dtls.ts does it)
 *
 * USAGE   dtlsload MODE [options]
 *
 *   MODE  handshake  P clients, each of which opens a session, ends it, and opens the next
 *         resume     the same, but each client goes on with its first session (RFC 5246 7.3)
 *         request    P sessions, each with one confirmable CoAP request open at a time
 *         hold       P sessions are opened and stay; reports the server's RSS for each
 *
 *   -p PORT     port of the server (127.0.0.1)                      default 5684
 *   -P N        clients, a socket and a port each                   default 20
 *   -C CIPHERS  as openssl-ciphers(1)                               default PSK-AES128-CCM8
 *   -i IDENTITY, -k KEY   of PSK; the key is text                   default bench, "a key of sixteen"
 *   -m METHOD, -u PATH    request: post|put, and one segment        default post, readings
 *   -t SECS     measured seconds; hold: how long they stay          default 5
 *   -W SECS     warm-up seconds (before the measured ones)          default 1
 *   -c PID      sample this process's CPU time and RSS
 *
 * REPORT  one JSON object on stdout:
 *   per_s             handshakes or answers per measured second
 *   done, failed, resumed, again (retransmitted flights and requests)   whole run
 *   lat_us            {p50,p99}, from the first byte to the last of a handshake or request, measured seconds only
 *   cpu               of -c PID: us for each, % of a core, RSS kB at the start and the end; hold: bytes per session
 *   gen_busy_pct      how long this generator had something to do, % of the time (near 100: it is the limit)
 * Exit status: 0; 2 when something failed; 1 on error.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static enum { HANDSHAKE, RESUME, REQUEST, HOLD } mode;
static int port = 5684, nclients = 20, watched = 0;
static const char *ciphers = "PSK-AES128-CCM8", *identity = "bench", *key = "a key of sixteen", *path = "readings";
static uint8_t method = 2;
static double secs = 5, warm = 1;

typedef struct {
    int fd, open, over, waiting;
    SSL *ssl; SSL_SESSION *session;
    uint64_t begun, retry_at; int tries;
    uint8_t out[128]; int len; uint16_t mid;
} client;

static client *clients; static SSL_CTX *ctx; static int ep;
static uint64_t done, failed, resumed, again, m_done, busy_ns;
static int measuring, running = 1, opened;
#define SAMPLES 4000000
static uint32_t *lat; static size_t nlat;

static void die(const char *what) { perror(what); ERR_print_errors_fp(stderr); exit(1); }
static uint64_t now_ns(void) {
    struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}
static unsigned psk(SSL *ssl, const char *hint, char *id, unsigned max_id, unsigned char *out, unsigned max) {
    (void)ssl; (void)hint;
    size_t n = strlen(key);
    if (strlen(identity) >= max_id || n > max) return 0;
    strcpy(id, identity); memcpy(out, key, n);
    return (unsigned)n;
}
static void count(uint64_t begun) {
    done++;
    if (!measuring) return;
    m_done++;
    if (nlat < SAMPLES) lat[nlat++] = (uint32_t)((now_ns() - begun) / 1000);
}

static void begin(client *c) {
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0) die("socket");
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
    if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e) < 0) die("epoll_ctl");
    BIO *bio = BIO_new_dgram(c->fd, BIO_NOCLOSE);
    BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &to);
    c->ssl = SSL_new(ctx);
    if (!c->ssl || !bio) die("SSL_new");
    SSL_set_bio(c->ssl, bio, bio);
    SSL_set_options(c->ssl, SSL_OP_NO_QUERY_MTU);
    SSL_set_mtu(c->ssl, 1200);
    if (mode == RESUME && c->session) SSL_set_session(c->ssl, c->session);
    c->open = 0; c->waiting = 0; c->begun = now_ns();
}
static void end(client *c) {
    if (c->open) SSL_shutdown(c->ssl);
    SSL_free(c->ssl); close(c->fd);
    c->ssl = NULL;
}
static void ask(client *c) {
    size_t n = strlen(path);
    c->mid++;
    uint8_t head[] = { 0x42, method, (uint8_t)(c->mid >> 8), (uint8_t)c->mid, (uint8_t)(c->mid >> 8), (uint8_t)c->mid, (uint8_t)(0xb0 | n) };
    memcpy(c->out, head, sizeof head);
    memcpy(c->out + sizeof head, path, n);
    memcpy(c->out + sizeof head + n, "\x10\xff" "21.5", 6);
    c->len = (int)(sizeof head + n + 6);
    c->begun = now_ns(); c->retry_at = c->begun + 2000000000ull; c->tries = 0; c->waiting = 1;
    if (SSL_write(c->ssl, c->out, c->len) <= 0) failed++;
}
static void step(client *c) {
    if (!c->open) {
        ERR_clear_error();
        int r = SSL_connect(c->ssl);
        if (r != 1) {
            int e = SSL_get_error(c->ssl, r);
            if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) return;
            failed++;
            if (failed == 1) ERR_print_errors_fp(stderr);
            end(c);
            if (failed > 50) exit(1);
            if (running) { begin(c); step(c); }
            return;
        }
        c->open = 1; opened++;
        if (SSL_session_reused(c->ssl)) resumed++;
        if (mode == HOLD) { done++; return; }
        if (mode == REQUEST) { c->mid = (uint16_t)now_ns(); ask(c); return; }
        count(c->begun);
        if (mode == RESUME && !c->session) c->session = SSL_get1_session(c->ssl);
        end(c);
        if (running) { begin(c); step(c); }
        return;
    }
    uint8_t m[2048]; int n;
    while (c->ssl && (n = SSL_read(c->ssl, m, sizeof m)) > 0) {
        if (!c->waiting || n < 6 || m[2] != c->out[2] || m[3] != c->out[3]) continue;
        c->waiting = 0;
        if (m[1] >> 5 != 2) failed++;
        count(c->begun);
        if (running) ask(c);
    }
}
static void timers(uint64_t t) {
    for (int i = 0; i < nclients; i++) {
        client *c = &clients[i];
        if (!c->ssl) continue;
        if (!c->open) { if (DTLSv1_handle_timeout(c->ssl) > 0) again++; }
        else if (c->waiting && t > c->retry_at && c->tries < 4) { c->tries++; again++; c->retry_at = t + (2000000000ull << c->tries); SSL_write(c->ssl, c->out, c->len); }
    }
}
static void pump(void) {
    struct epoll_event ready[256];
    int n = epoll_wait(ep, ready, 256, 0);
    if (n <= 0) return;
    uint64_t begun = now_ns();
    for (int i = 0; i < n; i++) { client *c = ready[i].data.ptr; if (c->ssl) step(c); }
    busy_ns += now_ns() - begun;
}

typedef struct { double cpu; long rss; } sample;
static sample sample_pid(int pid) {
    sample s = { 0, 0 };
    char name[64], line[1024];
    snprintf(name, sizeof name, "/proc/%d/stat", pid);
    FILE *f = fopen(name, "r");
    if (!f) die(name);
    if (fgets(line, sizeof line, f)) {
        char *at = strrchr(line, ')'); unsigned long u = 0, k = 0;
        if (at && sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &u, &k) == 2) s.cpu = (double)(u + k) / (double)sysconf(_SC_CLK_TCK);
    }
    fclose(f);
    snprintf(name, sizeof name, "/proc/%d/status", pid);
    if (!(f = fopen(name, "r"))) die(name);
    while (fgets(line, sizeof line, f)) sscanf(line, "VmRSS: %ld", &s.rss);
    fclose(f);
    return s;
}
static struct { uint64_t at, busy; sample proc; } from, to;
static void begin_measuring(void) { from.at = now_ns(); from.busy = busy_ns; if (watched) from.proc = sample_pid(watched); measuring = 1; }
static void end_measuring(void) { measuring = 0; to.at = now_ns(); to.busy = busy_ns; if (watched) to.proc = sample_pid(watched); }
static int by_value(const void *a, const void *b) { uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b; return x < y ? -1 : x > y; }

static void run(void) {
    const uint64_t start = now_ns();
    uint64_t looked = start, until = 0;
    int next = 0;
    if (mode == HOLD) begin_measuring();
    for (;;) {
        /* No more handshakes at a time than a socket's buffer holds. */
        for (; next < nclients && next - opened < 20; next++) { begin(&clients[next]); step(&clients[next]); if (mode != HOLD && mode != REQUEST) opened++; }
        pump();
        uint64_t t = now_ns();
        if (t - looked > 20000000) { timers(t); looked = t; }
        if (mode == HOLD) {
            if (!until && (int)done == nclients) until = t + (uint64_t)(secs * 1e9);
            if ((until && t > until) || t - start > 120000000000ull) break;
            continue;
        }
        if (!measuring && t - start > (uint64_t)(warm * 1e9)) { begin_measuring(); continue; }
        if (measuring && t - from.at > (uint64_t)(secs * 1e9)) break;
    }
    end_measuring();
}

int main(int argc, char **argv) {
    const char *modes[] = { "handshake", "resume", "request", "hold" };
    int known = 0, o;
    for (int i = 0; argc > 1 && i < 4; i++) if (!strcmp(argv[1], modes[i])) { mode = i; known = 1; }
    if (!known) { fprintf(stderr, "usage: dtlsload handshake|resume|request|hold [options]; see the head of dtlsload.c\n"); return 1; }
    optind = 2;
    while ((o = getopt(argc, argv, "p:P:C:i:k:m:u:t:W:c:")) != -1) switch (o) {
        case 'p': port = atoi(optarg); break;   case 'P': nclients = atoi(optarg); break;
        case 'C': ciphers = optarg; break;      case 'i': identity = optarg; break;
        case 'k': key = optarg; break;          case 'u': path = optarg; break;
        case 'm': method = !strcmp(optarg, "put") ? 3 : 2; break;
        case 't': secs = atof(optarg); break;   case 'W': warm = atof(optarg); break;
        case 'c': watched = atoi(optarg); break;
        default: return 1;
    }
    if (nclients < 1 || nclients > 65535 || strlen(path) > 12) { fprintf(stderr, "dtlsload: -P 1 to 65535, -u one segment of up to 12 bytes\n"); return 1; }
    struct rlimit rl; if (getrlimit(RLIMIT_NOFILE, &rl) == 0) { rl.rlim_cur = rl.rlim_max; setrlimit(RLIMIT_NOFILE, &rl); }
    ctx = SSL_CTX_new(DTLS_client_method());
    if (!ctx || !SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION)) die("SSL_CTX_new");
    SSL_CTX_set_security_level(ctx, 0);
    if (!SSL_CTX_set_cipher_list(ctx, ciphers)) die("ciphers");
    SSL_CTX_set_psk_client_callback(ctx, psk);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    if (mode == RESUME) SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
    ep = epoll_create1(EPOLL_CLOEXEC);
    clients = calloc((size_t)nclients, sizeof *clients);
    lat = malloc(SAMPLES * sizeof *lat);
    if (!clients || !lat) die("calloc");
    run();
    running = 0;
    double el = (double)(to.at - from.at) / 1e9, cpu = to.proc.cpu - from.proc.cpu;
    qsort(lat, nlat, sizeof *lat, by_value);
    printf("{\"per_s\":%.0f,\"done\":%llu,\"failed\":%llu,\"resumed\":%llu,\"again\":%llu,", (double)m_done / el, (unsigned long long)done, (unsigned long long)failed, (unsigned long long)resumed, (unsigned long long)again);
    printf("\"lat_us\":{\"p50\":%u,\"p99\":%u},", nlat ? lat[nlat / 2] : 0, nlat ? lat[nlat * 99 / 100] : 0);
    printf("\"cpu\":{\"us_each\":%.2f,\"pct\":%.0f,\"rss0_kb\":%ld,\"rss1_kb\":%ld,\"bytes_per_session\":%.0f},", m_done ? cpu * 1e6 / (double)m_done : 0, cpu / el * 100, from.proc.rss, to.proc.rss, mode == HOLD && done ? (double)(to.proc.rss - from.proc.rss) * 1024 / (double)done : 0);
    printf("\"gen_busy_pct\":%.0f}\n", (double)(to.busy - from.busy) / 1e7 / el);
    return failed ? 2 : 0;
}
