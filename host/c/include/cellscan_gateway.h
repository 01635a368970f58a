/* cellscan for C applications on Linux: a gateway whose pppd runs under runit, in your process and your poll(2).
 *
 * Link with -lcellscan_gateway, or with libcellscan_gateway.a -Wl,--gc-sections -lpthread -ldl -lm. The program cellscan has to
 * be there too, in PATH or named in the config: it is the guard, a process that gives the service back should yours be killed.
 *
 * What holds beyond cellscan.h:
 * - A gateway is used by the thread that opened it; any other is answered CELLSCAN_CODE_THREAD.
 * - Nothing is printed, no signal is caught, no thread is started. SIGPIPE is blocked on the thread during a call.
 * - While a scan is under way there is a child of yours, the guard; with the sv backend for moments one more. If you wait for
 *   any child (waitpid -1) you may meet its end: leave it. They get none of your descriptors and none of your blocked signals,
 *   but for those that sv programs inherit.
 * - The environment (PATH, SVDIR) is read by cellscan_gateway_open and cellscan_gateway_scan: no other thread may change it then.
 * - Do not fork without exec while a scan is under way: such a child holds what the death of yours is known by.
 * - Allocates. What it holds of the system (port, lock, lease, the service itself) is let go before the end is told.
 * - Made by cbindgen from the documented source: do not edit. */


#ifndef CELLSCAN_GATEWAY_H
#define CELLSCAN_GATEWAY_H

#include "cellscan.h"

// How the supervisor is spoken to.
enum cellscan_gateway_backend
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The first of the others that works.
    CELLSCAN_GATEWAY_BACKEND_AUTO = 0,
    // By runit's own files.
    CELLSCAN_GATEWAY_BACKEND_NATIVE = 1,
    // By the sv program.
    CELLSCAN_GATEWAY_BACKEND_SV = 2,
    // There is no supervisor: whoever holds the port is ended, and start_command starts it again.
    CELLSCAN_GATEWAY_BACKEND_UNSUPERVISED = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum cellscan_gateway_backend cellscan_gateway_backend;
#else
typedef uint32_t cellscan_gateway_backend;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Who gives the service back should this process die.
enum cellscan_guard_mode
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The guard, a process of its own.
    CELLSCAN_GUARD_MODE_ON = 0,
    // Nobody by itself: a lease on disk says what is owed, for cellscan restore or the next scan. SIGKILL then leaves the
    // gateway without a link until somebody goes by it.
    CELLSCAN_GUARD_MODE_OFF = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum cellscan_guard_mode cellscan_guard_mode;
#else
typedef uint32_t cellscan_guard_mode;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// A gateway. Yours from cellscan_gateway_open to cellscan_gateway_close, and only on the thread that opened it.
typedef struct cellscan_gateway cellscan_gateway;

// What a gateway is. Fill it with cellscan_gateway_defaults, then name the port and what is to be otherwise. All is copied,
// the texts too. Texts are UTF-8 and end with a NUL.
typedef struct cellscan_gateway_config {
    // CELLSCAN_ABI.
    uint32_t abi;
    // Bits per second; 0: 115200.
    uint32_t baud;
    // A cellscan_gateway_backend.
    uint32_t backend;
    // A cellscan_guard_mode.
    uint32_t guard_mode;
    // After this time with the service in hand the guard kills your process, and gives the service back: for the case that
    // it does not poll any more. More than the policy's budget and link time. 0: never; then a process that hangs keeps the
    // link away until it is ended.
    uint32_t hold_limit_ms;
    // Nothing yet; 0.
    uint32_t reserved;
    // The tty to the modem, by a stable name such as one of /dev/serial/by-id. Must be named.
    const char *port;
    // The tty that pppd uses. Null: the same.
    const char *ppp_port;
    // Name or path of the service. Null: the one whose pppd holds the port, else pppd, ppp, pppd-* or ppp-*.
    const char *service;
    // The interface that is up when the link is, such as "ppp*". Null: nobody waits for it.
    const char *link;
    // Words of the command that starts an unsupervised pppd; no shell reads them. Null: none.
    const char *start_command;
    // The program that is the guard: cellscan, of the version of this library; a path, or a name in PATH. Null: "cellscan".
    // One that does not say so in its first line, version and all, is refused before anything is asked down.
    const char *guard;
    // Where UUCP locks are. Null: /var/lock and /run/lock.
    const char *lock_dir;
    // Where the carriers of the last complete scan are remembered. Null: /var/lib/cellscan.
    const char *state_dir;
    // Where lease and claim are kept: a directory of this user's, which no other may write to. Null: /run/cellscan, as for the
    // program. All that scan the same service should name the same.
    const char *run_dir;
    // How a scan is to go. Null: as of cellscan_policy_default.
    const cellscan_policy *policy;
} cellscan_gateway_config;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Fills in a config: nothing named, everything as usual.
cellscan_code cellscan_gateway_defaults(struct cellscan_gateway_config *config);

// Makes a gateway out of a config, and touches nothing yet. Where it fails, *gateway is null and why (which may be null) is
// filled in with a sentence of up to why_len bytes, its NUL included. CELLSCAN_CODE_NO_GUARD: without a guard nothing is
// taken, unless the config says so.
cellscan_code cellscan_gateway_open(const struct cellscan_gateway_config *config,
                                    struct cellscan_gateway **gateway,
                                    char *why,
                                    size_t why_len);

// Lets a gateway go. CELLSCAN_CODE_BUSY: a scan is under way, and nothing was done; abort it, and poll until it has ended.
cellscan_code cellscan_gateway_close(struct cellscan_gateway *gateway);

// Asks for a scan: port and service are looked for, and where they are there, it begins with the next poll. id and origin as
// of cellscan_request.
cellscan_code cellscan_gateway_scan(struct cellscan_gateway *gateway,
                                    uint32_t id,
                                    uint32_t origin);

// Does what can be done now. CELLSCAN_CODE_OK: event says what happened, poll again. CELLSCAN_CODE_WOULD_BLOCK: poll again
// when the descriptor is readable. It takes milliseconds as a rule; the poll that takes the service waits for the guard to be
// ready (10 s at most), the last for its end (1 s at most), and a line that takes no bytes is waited for (2 s at most). After CELLSCAN_EVENT_KIND_FINISHED, and CELLSCAN_EVENT_KIND_DECLINED,
// nothing is held any more.
cellscan_code cellscan_gateway_poll(struct cellscan_gateway *gateway,
                                    cellscan_event *event);

// The descriptor to wait for: readable when the gateway is to be polled, its deadlines included. The same for as long as the
// gateway is open, and the gateway's own: only ever wait for it.
cellscan_code cellscan_gateway_fd(struct cellscan_gateway *gateway,
                                  int *fd);

// Ends the scan under way: what was found is restored, the service given back; poll until it has ended. Not for a signal
// handler.
cellscan_code cellscan_gateway_abort(struct cellscan_gateway *gateway);

// What came of the last scan.
cellscan_code cellscan_gateway_report(struct cellscan_gateway *gateway, cellscan_report *report);

// The carrier at index, in list order, from 0; CELLSCAN_CODE_RANGE behind the last.
cellscan_code cellscan_gateway_carrier(struct cellscan_gateway *gateway, size_t index, cellscan_carrier *carrier);

// What the last CELLSCAN_EVENT_KIND_NOTE or CELLSCAN_EVENT_KIND_WARNING says; valid until the next poll. Never null.
const char *cellscan_gateway_text(struct cellscan_gateway *gateway);

// Why the last cellscan_gateway_scan failed; valid until the next one. Never null.
const char *cellscan_gateway_error(struct cellscan_gateway *gateway);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* CELLSCAN_GATEWAY_H */
