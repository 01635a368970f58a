/* cellscan for C: takes a cellular modem away from pppd, finds out which carrier is best, and gives it back.
 *
 * This header is the machine: a scan in storage of yours, over callbacks for time, port and supervisor. It needs no operating
 * system (libcellscan_machine.a; on Linux it is also in libcellscan_gateway.a and .so). An application on Linux that has pppd
 * under runit is better served by cellscan_gateway.h, which brings port and supervisor along.
 *
 *     cellscan machine;
 *     if (cellscan_init(&machine, sizeof machine, CELLSCAN_ABI, &ops, ctx, NULL) != CELLSCAN_CODE_OK) ...
 *     cellscan_request(&machine, 1, CELLSCAN_ORIGIN_MANUAL);
 *     for (;;) switch (cellscan_poll(&machine, &event)) ...
 *
 * What holds everywhere:
 * - A pointer is null or points to what its type says, valid for the length of the call. Null where it must not be, wrong
 *   alignment, storage that was never initialised and numbers without a meaning are answered with a code, and nothing is done.
 * - One thread at a time uses a machine; different machines know nothing of each other. No function is for a signal handler.
 * - Nothing waits, nothing is allocated, nothing is printed, no panic comes out. Times are milliseconds.
 * - Made by cbindgen from the documented source: do not edit. */


#ifndef CELLSCAN_H
#define CELLSCAN_H

#include <stddef.h>
#include <stdint.h>

/* A machine is as large here as in the library: see the end. */
#ifdef __cplusplus
#define CELLSCAN_ASSERT(holds, why) static_assert(holds, why)
#define CELLSCAN_ALIGN_OF(type) alignof(type)
#else
#define CELLSCAN_ALIGN_OF(type) _Alignof(type)
#define CELLSCAN_ASSERT(holds, why) _Static_assert(holds, why)
#endif


// Bytes that write is given at once, at most.
#define CELLSCAN_COMMAND_LEN_MAX 64

// Stands for a value that is not known.
#define CELLSCAN_UNKNOWN INT16_MIN

// The version of this interface: it changes with every layout and every meaning. Functions and numbers that are only
// added do not change it.
#define CELLSCAN_ABI 1

// Bytes of a machine's storage, on every target. An upper bound: what it takes is less (cellscan_size), and told by the
// compiler where it were more.
#define CELLSCAN_SIZE 6144

// The same in the words that it is made of.
#define CELLSCAN_WORDS 768

// How a machine's storage is aligned on any target. A cellscan is by itself as its target needs it; this is for storage that
// comes from elsewhere.
#define CELLSCAN_ALIGN 8

// Stands for "no deadline".
#define CELLSCAN_NEVER UINT64_MAX

// What a function answers. 0 and above: as it should be; below: nothing was done, but for the two that say otherwise.
enum cellscan_code
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Done; of a poll: there is an event.
    CELLSCAN_CODE_OK = 0,
    // Of a poll: there is no event now.
    CELLSCAN_CODE_WOULD_BLOCK = 1,
    // A pointer that must not be is null.
    CELLSCAN_CODE_NULL = -1,
    // The caller was compiled for another version of this interface.
    CELLSCAN_CODE_ABI = -2,
    // The storage is too small.
    CELLSCAN_CODE_SIZE = -3,
    // A pointer is not aligned for what it points to.
    CELLSCAN_CODE_ALIGN = -4,
    // There is no machine in this storage, or no such handle.
    CELLSCAN_CODE_NOT_INIT = -5,
    // Called from a callback of the same machine; or a scan is under way that has to end first.
    CELLSCAN_CODE_BUSY = -6,
    // A value is outside of what is stated for it, or a text is no UTF-8.
    CELLSCAN_CODE_VALUE = -7,
    // There is none with this index.
    CELLSCAN_CODE_RANGE = -8,
    // A callback of the port failed; what it answered is in the event's error. The scan knows it and goes on: poll again.
    CELLSCAN_CODE_PORT = -9,
    // A callback of the supervisor failed; what it answered is in the event's error. The scan knows it and goes on: poll
    // again.
    CELLSCAN_CODE_SUPERVISOR = -10,
    // A bug was met earlier. This machine does nothing any more; of a gateway, the guard gives the service back.
    CELLSCAN_CODE_BROKEN = -11,
    // Gateway: the configuration cannot be meant so, trying again does not help.
    CELLSCAN_CODE_CONFIG = -12,
    // Gateway: the system refused, try again.
    CELLSCAN_CODE_SYSTEM = -13,
    // Gateway: another thread has opened this handle.
    CELLSCAN_CODE_THREAD = -14,
    // Gateway: there is no program to be the guard.
    CELLSCAN_CODE_NO_GUARD = -15,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum cellscan_code cellscan_code;
#else
typedef int32_t cellscan_code;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What is told, and which fields of cellscan_event say more.
enum cellscan_event_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Something that this version has no word for; or no event at all.
    CELLSCAN_EVENT_KIND_NONE = 0,
    // The scan moved on: from, to.
    CELLSCAN_EVENT_KIND_MOVED,
    // The request was not served: declined.
    CELLSCAN_EVENT_KIND_DECLINED,
    // The service is held from now on; pid, where it had a process.
    CELLSCAN_EVENT_KIND_TAKEN,
    // The service is down: ms after it was asked.
    CELLSCAN_EVENT_KIND_DOWN,
    // Nobody holds the port: ms after down was asked for.
    CELLSCAN_EVENT_KIND_PORT_FREE,
    // What remained of the service was signalled: signal.
    CELLSCAN_EVENT_KIND_SIGNALLED,
    // A process that is none of the service's holds the port: pid.
    CELLSCAN_EVENT_KIND_HELD_BY_STRANGER,
    // Somebody else brought the service up or opened the port, or the supervisor died. count: how often it may still
    // happen.
    CELLSCAN_EVENT_KIND_INTERRUPTED,
    // Somebody else wants the service down: it will be left so.
    CELLSCAN_EVENT_KIND_FOREIGN_DOWN,
    // The port went away.
    CELLSCAN_EVENT_KIND_PORT_LOST,
    // The list is complete: count entries, after ms.
    CELLSCAN_EVENT_KIND_LISTED,
    // The trial of plmn begins.
    CELLSCAN_EVENT_KIND_TRIAL_BEGINS,
    // The trial of plmn has ended; the carriers say how.
    CELLSCAN_EVENT_KIND_TRIAL_ENDED,
    // plmn was chosen.
    CELLSCAN_EVENT_KIND_SELECTED,
    // plmn was chosen and could not be had after all.
    CELLSCAN_EVENT_KIND_LOST,
    // The registration found before the scan is restored where yes is not 0.
    CELLSCAN_EVENT_KIND_RESTORED,
    // The service is wanted as it was found again.
    CELLSCAN_EVENT_KIND_GIVEN_BACK,
    // The link is up: ms after the service was given back.
    CELLSCAN_EVENT_KIND_LINK_UP,
    // The scan has ended: outcome, and why in failure. Of a gateway: and all that was held is let go.
    CELLSCAN_EVENT_KIND_FINISHED,
    // Gateway: something that is good to know; cellscan_gateway_text has it.
    CELLSCAN_EVENT_KIND_NOTE,
    // Gateway: something went wrong that the scan goes on after; cellscan_gateway_text has it.
    CELLSCAN_EVENT_KIND_WARNING,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum cellscan_event_kind cellscan_event_kind;
#else
typedef uint32_t cellscan_event_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Where a scan is. cellscan_phase_number has the numbers that people grep for.
enum cellscan_phase
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Nothing is held.
    CELLSCAN_PHASE_IDLE = 0,
    // The service is being taken.
    CELLSCAN_PHASE_STOP_PPP,
    // Down was asked for.
    CELLSCAN_PHASE_STOP_PPP_WAIT_SV,
    // What remains of it is ended.
    CELLSCAN_PHASE_VERIFY_STOPPED,
    // The port is opened, the modem made ready.
    CELLSCAN_PHASE_PREPARE,
    // The search is asked for.
    CELLSCAN_PHASE_GET_OPERATORS,
    // The list is waited for.
    CELLSCAN_PHASE_WAIT_RESULTS,
    // A carrier is selected.
    CELLSCAN_PHASE_TEST_CARRIER,
    // Its signal is measured.
    CELLSCAN_PHASE_WAIT_SIGNAL,
    // Which is next?
    CELLSCAN_PHASE_NEXT_CARRIER,
    // What was measured is ranked.
    CELLSCAN_PHASE_SELECT_BEST,
    // The best is selected.
    CELLSCAN_PHASE_CONNECT_BEST,
    // Is it registered there?
    CELLSCAN_PHASE_VERIFY_CARRIER,
    // The service is given back.
    CELLSCAN_PHASE_START_PPP,
    // The link is waited for.
    CELLSCAN_PHASE_WAIT_PPP,
    // A carrier was chosen.
    CELLSCAN_PHASE_COMPLETE,
    // None was; what was found is restored.
    CELLSCAN_PHASE_FAILED,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum cellscan_phase cellscan_phase;
#else
typedef uint32_t cellscan_phase;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Why a request is not served.
enum cellscan_declined
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // It is.
    CELLSCAN_DECLINED_NO = 0,
    // A scan is under way.
    CELLSCAN_DECLINED_BUSY,
    // This very request was served already.
    CELLSCAN_DECLINED_REPEATED,
    // The last scan ended a short time ago.
    CELLSCAN_DECLINED_COOLING_DOWN,
    // The link works.
    CELLSCAN_DECLINED_LINK_HEALTHY,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum cellscan_declined cellscan_declined;
#else
typedef uint32_t cellscan_declined;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// How a scan ended.
enum cellscan_outcome
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // It has not ended, or there was none.
    CELLSCAN_OUTCOME_NONE = 0,
    // A carrier was chosen and the service given back on it.
    CELLSCAN_OUTCOME_COMPLETE,
    // No carrier was chosen.
    CELLSCAN_OUTCOME_FAILED,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum cellscan_outcome cellscan_outcome;
#else
typedef uint32_t cellscan_outcome;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Why a scan failed. cellscan_failure_name has a stable name of each.
enum cellscan_failure
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // It did not.
    CELLSCAN_FAILURE_NONE = 0,
    // The service could not be taken; nothing was changed.
    CELLSCAN_FAILURE_SERVICE_UNAVAILABLE,
    // The supervisor did not take note of the request for down.
    CELLSCAN_FAILURE_SUPERVISOR_SILENT,
    // The port did not become free.
    CELLSCAN_FAILURE_PORT_HELD,
    // The port could not be opened, or went away too often.
    CELLSCAN_FAILURE_PORT_UNAVAILABLE,
    // The modem does not answer AT.
    CELLSCAN_FAILURE_MODEM_SILENT,
    // The SIM is missing or locked.
    CELLSCAN_FAILURE_SIM_NOT_READY,
    // The modem gave no operator list.
    CELLSCAN_FAILURE_SEARCH_FAILED,
    // Nobody could be registered with.
    CELLSCAN_FAILURE_NO_CARRIER,
    // What was left of the outage budget would not have sufficed.
    CELLSCAN_FAILURE_BUDGET_SPENT,
    // Somebody else brought the service up too often.
    CELLSCAN_FAILURE_SECOND_CLIENT,
    // It was told to end.
    CELLSCAN_FAILURE_ABORTED,
    // For a reason that this version has no word for.
    CELLSCAN_FAILURE_OTHER,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum cellscan_failure cellscan_failure;
#else
typedef uint32_t cellscan_failure;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// <stat> of an operator list (3GPP TS 27.007 §7.3).
enum cellscan_availability
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The modem does not say.
    CELLSCAN_AVAILABILITY_UNKNOWN = 0,
    // It is available.
    CELLSCAN_AVAILABILITY_AVAILABLE = 1,
    // The modem is registered there.
    CELLSCAN_AVAILABILITY_CURRENT = 2,
    // The SIM or the network says no.
    CELLSCAN_AVAILABILITY_FORBIDDEN = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum cellscan_availability cellscan_availability;
#else
typedef uint32_t cellscan_availability;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// How the trial of a carrier went.
enum cellscan_trial
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Not tried, or not yet.
    CELLSCAN_TRIAL_UNTRIED = 0,
    // Registered; measured as far as the modem would say.
    CELLSCAN_TRIAL_REGISTERED = 1,
    // The network or the modem said no.
    CELLSCAN_TRIAL_REFUSED = 2,
    // Not registered within its time.
    CELLSCAN_TRIAL_TIMED_OUT = 3,
    // Registered in the trial, and lost afterwards.
    CELLSCAN_TRIAL_LOST = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum cellscan_trial cellscan_trial;
#else
typedef uint32_t cellscan_trial;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What a callback of the port or of the supervisor answers. Anything below 0 is an error of its own numbering, which
// comes back in cellscan_event.error; any other number is taken for an error too.
enum cellscan_answer
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Done.
    CELLSCAN_ANSWER_DONE = 0,
    // Not yet: the same is asked again at the next poll.
    CELLSCAN_ANSWER_LATER = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum cellscan_answer cellscan_answer;
#else
typedef int32_t cellscan_answer;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What a service is meant to do.
enum cellscan_want
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Not to run.
    CELLSCAN_WANT_DOWN = 0,
    // Kept running.
    CELLSCAN_WANT_UP = 1,
    // Running now, not to be started again.
    CELLSCAN_WANT_ONCE = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum cellscan_want cellscan_want;
#else
typedef uint32_t cellscan_want;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What a service does.
enum cellscan_service_state
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // No process.
    CELLSCAN_SERVICE_STATE_DOWN = 0,
    // It runs.
    CELLSCAN_SERVICE_STATE_RUN = 1,
    // It has ended, and what cleans up behind it runs.
    CELLSCAN_SERVICE_STATE_FINISH = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum cellscan_service_state cellscan_service_state;
#else
typedef uint32_t cellscan_service_state;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Signals for what remains of a service.
enum cellscan_signal
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // End.
    CELLSCAN_SIGNAL_TERM = 0,
    // Be ended.
    CELLSCAN_SIGNAL_KILL = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum cellscan_signal cellscan_signal;
#else
typedef uint32_t cellscan_signal;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What a modem was told about operators.
enum cellscan_selection_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Nothing is to be restored.
    CELLSCAN_SELECTION_KIND_NONE = 0,
    // AT+COPS=0: it chooses by itself.
    CELLSCAN_SELECTION_KIND_AUTOMATIC = 1,
    // AT+COPS=1,2,"…": this one.
    CELLSCAN_SELECTION_KIND_MANUAL = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum cellscan_selection_kind cellscan_selection_kind;
#else
typedef uint32_t cellscan_selection_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What ends the trials.
enum cellscan_strategy
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Every candidate is tried; the best wins.
    CELLSCAN_STRATEGY_FULL = 0,
    // The first carrier at or above good_enough_dbm ends the trials.
    CELLSCAN_STRATEGY_GOOD_ENOUGH = 1,
    // Only remembered carriers are tried, and the network is not searched. Without one it is CELLSCAN_STRATEGY_FULL.
    CELLSCAN_STRATEGY_QUICK = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum cellscan_strategy cellscan_strategy;
#else
typedef uint32_t cellscan_strategy;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Who asks for a scan.
enum cellscan_origin
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // A person, or a program on behalf of one: served at once.
    CELLSCAN_ORIGIN_MANUAL = 0,
    // A policy, the link does not work: not served for a quarter of an hour after a scan.
    CELLSCAN_ORIGIN_AUTOMATIC = 1,
    // A policy, the link works: not served.
    CELLSCAN_ORIGIN_AUTOMATIC_LINK_HEALTHY = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum cellscan_origin cellscan_origin;
#else
typedef uint32_t cellscan_origin;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// How a scan is to go. Fill it with cellscan_policy_default, then change what is to be otherwise. Times are in
// milliseconds.
typedef struct cellscan_policy {
    // A cellscan_strategy.
    uint32_t strategy;
    // RSSI of CELLSCAN_STRATEGY_GOOD_ENOUGH, dBm, -113 to -51.
    int16_t good_enough_dbm;
    // How much better than the carrier before the scan another must be, dB.
    int16_t hysteresis_db;
    // Below this RSSI a carrier is chosen only where there is no other, dBm.
    int16_t usable_rssi_dbm;
    // Below this RSRP a carrier is chosen only where there is no other, dBm.
    int16_t usable_rsrp_dbm;
    // Values of the signal taken of each carrier, 1 to 5; the median counts.
    uint8_t samples;
    // How often the network is searched before the scan is given up, 1 at least.
    uint8_t searches;
    // How often the service is asked down again after somebody else brought it up.
    uint8_t retakes;
    // How often the port may go away and be opened again.
    uint8_t reopens;
    // Not 0: carriers listed as forbidden are tried where no other can be used.
    uint8_t try_forbidden;
    // Not 0: the modem deregisters before the search; some list only a part if not.
    uint8_t deregister;
    // Not 0: where no link comes up over the chosen carrier the next best is tried. 0: the scan is complete, and says so.
    uint8_t next_best_without_link;
    // Nothing yet; 0.
    uint8_t reserved;
    // The longest time that the link may be away. More than restore_ms and give_back_ms together, which are kept of it.
    uint32_t budget_ms;
    // From "registered" to the first value of the signal.
    uint32_t settle_ms;
    // Between two looks at the registration.
    uint32_t poll_ms;
    // From the request to take the service to its answer.
    uint32_t take_ms;
    // From the request for down to "wanted down".
    uint32_t want_ms;
    // From the request for down to "down".
    uint32_t down_ms;
    // After this down is asked for once more.
    uint32_t down_again_ms;
    // From TERM to KILL for what remains of the service.
    uint32_t term_ms;
    // From KILL to "gone".
    uint32_t kill_ms;
    // How long the successor of a dead supervisor may take.
    uint32_t supervisor_ms;
    // For the port to open.
    uint32_t open_ms;
    // For a command that only sets or reads.
    uint32_t read_ms;
    // For AT+COPS=2.
    uint32_t deregister_ms;
    // For AT+COPS=?, 1 at least. Modems take 60 to 180 s.
    uint32_t search_ms;
    // From AT+COPS=1,2,… to "registered there", 1 at least.
    uint32_t register_ms;
    // For values of the signal.
    uint32_t signal_ms;
    // For the chosen carrier to be registered.
    uint32_t verify_ms;
    // For restoring the registration found.
    uint32_t restore_ms;
    // From the request for up to "wanted up".
    uint32_t give_back_ms;
    // From "wanted up" to a link.
    uint32_t link_ms;
} cellscan_policy;

// The storage of a machine: yours, static or on a stack, copied nowhere while a scan is under way. Nothing in it is to be
// freed: a machine that is idle may be forgotten.
typedef struct cellscan {
    uint64_t opaque[CELLSCAN_WORDS];
} cellscan;

// The service as its supervisor states it, filled in by a callback.
typedef struct cellscan_service {
    // Not 0: a supervisor is there to obey.
    uint32_t supervised;
    // A cellscan_service_state.
    uint32_t state;
    // Its process; 0: none.
    uint32_t pid;
    // A cellscan_want.
    uint32_t want;
    // Not 0: somebody else has asked for down since it was taken.
    uint32_t foreign_down;
} cellscan_service;

// What stands between "the supervisor says down" and "the port is free", filled in by a callback. All 0: nothing.
typedef struct cellscan_remains {
    // A process of this service; 0: none.
    uint32_t service;
    // A process that holds the port and is none of the service's; 0: none.
    uint32_t stranger;
} cellscan_remains;

// What a modem is to be told to have its registration restored.
typedef struct cellscan_selection {
    // A cellscan_selection_kind.
    uint32_t kind;
    // The digits, where it is manual.
    char plmn[8];
} cellscan_selection;

// The callbacks: const, one of them may serve many machines, and each is given the machine's own ctx.
//
// None may wait: what is not done yet is CELLSCAN_ANSWER_LATER. None may call a function with the same machine (it answers
// CELLSCAN_CODE_BUSY), end by longjmp or let a C++ exception out. They run on the thread that called.
//
// now_ms, read, write, ask and status must be there; what is said of the others holds where they are null.
typedef struct cellscan_ops {
    // Milliseconds since a moment of your choice; never goes back, never wraps.
    uint64_t (*now_ms)(void *ctx);
    // Opens the line to the modem. Null: it is always open.
    int32_t (*open)(void *ctx);
    // Lets go of it; also where it is closed already.
    void (*close)(void *ctx);
    // Takes up to len bytes that the modem has sent: how many, 0 where there is none now, below 0 where the line is lost.
    int32_t (*read)(void *ctx, uint8_t *bytes, size_t len);
    // Sends all of len bytes (CELLSCAN_COMMAND_LEN_MAX at most), or puts them where they will be sent from:
    // CELLSCAN_ANSWER_DONE, or an error where the line is lost or has no room. Never CELLSCAN_ANSWER_LATER.
    int32_t (*write)(void *ctx, const uint8_t *bytes, size_t len);
    // Notes how the service is found, and sees to it that nobody else takes it; nothing is changed yet. The want that is
    // told here is what the scan gives back. Null: as status.
    int32_t (*take)(void *ctx, struct cellscan_service *found);
    // Asks the supervisor for this cellscan_want; does not wait for what comes of it.
    int32_t (*ask)(void *ctx, uint32_t want);
    // How the service stands now.
    int32_t (*status)(void *ctx, struct cellscan_service *now);
    // Who is left, and who holds the port that the service uses. Null: nobody, as soon as status says down.
    int32_t (*remains)(void *ctx, struct cellscan_remains *now);
    // Sends this cellscan_signal to what remains of the service. Null: an error.
    int32_t (*signal)(void *ctx, uint32_t signal);
    // Notes, where a reset does not forget it, what the modem is to be told should the scan not come to its end: see
    // cellscan_restore. It points to what is valid during this call. Null: nobody will know.
    void (*note)(void *ctx, const struct cellscan_selection *selection);
    // Writes 1 where the link is up, 0 where it is not. Null: nobody looks, and it counts as up.
    int32_t (*link_up)(void *ctx, uint32_t *up);
    // The service is as it was found: whoever guards it may go. Null: nobody does.
    int32_t (*release)(void *ctx);
} cellscan_ops;

// What a scan tells. Fields that the kind does not name are 0 or empty.
typedef struct cellscan_event {
    // What is told.
    cellscan_event_kind kind;
    // The phase before.
    cellscan_phase from;
    // The phase now.
    cellscan_phase to;
    // The carrier it is about, digits.
    char plmn[8];
    // Milliseconds.
    uint32_t ms;
    // How many.
    uint32_t count;
    // A process.
    uint32_t pid;
    // A cellscan_signal.
    uint32_t signal;
    // Yes (1) or no.
    uint32_t yes;
    // Why a request was not served.
    cellscan_declined declined;
    // How the scan ended.
    cellscan_outcome outcome;
    // Why it failed.
    cellscan_failure failure;
    // Behind CELLSCAN_CODE_PORT and CELLSCAN_CODE_SUPERVISOR: what the callback answered.
    int32_t error;
} cellscan_event;

// What came of a scan; complete once it has ended. Times are in milliseconds.
typedef struct cellscan_report {
    // How it ended.
    cellscan_outcome outcome;
    // Why it failed.
    cellscan_failure failure;
    // The carrier before the scan; empty where the modem was on none.
    char before[8];
    // The carrier that was chosen; empty where none was.
    char selected[8];
    // From the first request for down to "down"; 0 where that was not reached.
    uint32_t down_after_ms;
    // From the first request for down to nobody holding the port; 0 where that was not reached.
    uint32_t free_after_ms;
    // How long the search took; 0 where none was complete.
    uint32_t search_ms;
    // How long the link was away; 0 where it was not.
    uint32_t outage_ms;
    // 1: the service is wanted as it was found. 0: the supervisor did not answer.
    uint8_t given_back;
    // 1: the link came up. 0: it did not, or nobody waited.
    uint8_t link;
    // 1: the registration found was restored. 0: it was not, or there was no need.
    uint8_t restored;
    // How often the service had to be asked down again.
    uint8_t interruptions;
    // How often the port was opened again.
    uint32_t reopens;
    // Lines that were no answer to what was asked.
    uint32_t dropped;
} cellscan_report;

// One carrier in reach.
typedef struct cellscan_carrier {
    // Its digits.
    char plmn[8];
    // Its name, UTF-8; empty where the modem gave none. It came over the air: mind what you show.
    char name[36];
    // As listed.
    cellscan_availability availability;
    // How its trial went.
    cellscan_trial trial;
    // One bit for each <AcT> (3GPP TS 27.007 §7.3) under which it was listed: bit 7 is LTE.
    uint32_t technologies;
    // How long the trial took, milliseconds; 0 where there was none.
    uint32_t took_ms;
    // Received power over the whole band, dBm; CELLSCAN_UNKNOWN.
    int16_t rssi_dbm;
    // Reference signal power, dBm; CELLSCAN_UNKNOWN.
    int16_t rsrp_dbm;
    // Reference signal quality, tenths of dB; CELLSCAN_UNKNOWN.
    int16_t rsrq_db10;
    // The +CME ERROR of a refusal; CELLSCAN_UNKNOWN.
    int16_t refused_cme;
} cellscan_carrier;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of the interface that the library was made for; to be compared with CELLSCAN_ABI.
uint32_t cellscan_abi(void);

// Bytes that this library needs for a machine, CELLSCAN_SIZE at most. Where every byte counts, storage of that size will do that
// is aligned to CELLSCAN_ALIGN and handed in as a cellscan *.
size_t cellscan_size(void);

// The version of the library, for people.
const char *cellscan_version(void);

// A sentence for people about a cellscan_code. Never null.
const char *cellscan_code_text(int32_t code);

// The number of a cellscan_phase with its letter, such as "1b". Never null.
const char *cellscan_phase_number(uint32_t phase);

// The stable name of a cellscan_failure, such as "aborted". Never null.
const char *cellscan_failure_name(uint32_t failure);

// Fills in a policy that is sane for a gateway about which nothing is known.
cellscan_code cellscan_policy_default(struct cellscan_policy *policy);

// Makes an idle machine in this storage, whatever was in it. ops is not copied: it stays as it is for as long as the
// machine is used. ctx is handed to the callbacks and may be null; policy null is the default. Call it as
// cellscan_init(&machine, sizeof machine, CELLSCAN_ABI, ...), so that header and library are compared.
cellscan_code cellscan_init(struct cellscan *machine,
                            size_t size,
                            uint32_t abi,
                            const struct cellscan_ops *ops,
                            void *ctx,
                            const struct cellscan_policy *policy);

// Asks for a scan; whether it is served comes as an event. id: each number is served once, the last 16 are kept; a scan
// that failed before it asked for down leaves its number free and starts no pause for automatic ones. origin is a
// cellscan_origin.
cellscan_code cellscan_request(struct cellscan *machine,
                               uint32_t id,
                               uint32_t origin);

// Remembers a carrier for CELLSCAN_STRATEGY_QUICK, likeliest last; eight at most, the first goes.
cellscan_code cellscan_remember(struct cellscan *machine, const char *plmn);

// Restores the registration of a modem that a scan has left when it did not come to its end, as it was noted
// (cellscan_ops.note). Only while idle. The report's restored says what came of it.
cellscan_code cellscan_restore(struct cellscan *machine, const struct cellscan_selection *selection);

// Ends the scan under way; poll until it has, since all is given back first.
cellscan_code cellscan_abort(struct cellscan *machine);

// Does what can be done now, a bounded amount of it. CELLSCAN_CODE_OK: event says what happened, poll again.
// CELLSCAN_CODE_WOULD_BLOCK: poll again when the line has bytes, when something about the service has changed, and at the
// deadline. CELLSCAN_CODE_PORT, CELLSCAN_CODE_SUPERVISOR: a callback failed, the scan knows it; poll again.
cellscan_code cellscan_poll(struct cellscan *machine,
                            struct cellscan_event *event);

// When to poll at the latest, in the time of now_ms; CELLSCAN_NEVER where nothing is due.
cellscan_code cellscan_next_deadline(struct cellscan *machine, uint64_t *at_ms);

// Where the scan is.
cellscan_code cellscan_phase_now(struct cellscan *machine, cellscan_phase *phase);

// 1: all that was decided is carried out. After CELLSCAN_EVENT_KIND_FINISHED a slow release may still be asked again.
cellscan_code cellscan_is_settled(struct cellscan *machine,
                                  uint32_t *settled);

// What came of the last scan.
cellscan_code cellscan_report_now(struct cellscan *machine, struct cellscan_report *report);

// The carrier at index, in list order, from 0; CELLSCAN_CODE_RANGE behind the last.
cellscan_code cellscan_carrier_at(struct cellscan *machine, size_t index, struct cellscan_carrier *carrier);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* CELLSCAN_H */

CELLSCAN_ASSERT(sizeof(cellscan) == CELLSCAN_SIZE, "the storage of a machine has the size that the library counts on");
CELLSCAN_ASSERT(CELLSCAN_ALIGN_OF(cellscan) <= CELLSCAN_ALIGN, "what is aligned to CELLSCAN_ALIGN will do");
