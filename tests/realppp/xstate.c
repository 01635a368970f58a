// Lets User Mode Linux 6.1 run where the processor has AVX-512 or AMX. Loaded into it with LD_PRELOAD.
//
// That kernel keeps the floating-point registers of a guest's thread in 832 bytes, which end with AVX. It reads and writes them with
// PTRACE_GETREGSET and PTRACE_SETREGSET. The host cuts a read short, but takes a write only of the whole area, which is longer here: it
// answers EFAULT, and the guest panics at its first process. So a write is completed: the rest is what the traced process has at this
// moment.
//
// What lies beyond AVX is therefore kept by the host, once for each address space of the guest, and not switched between its threads. A
// guest must not use it: its C library is told so with GLIBC_TUNABLES (see src/host.rs).

#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

// Intel SDM, volume 1, 13.4: the legacy area of 512 bytes, then the header, whose first field tells which components are there. The
// first three are x87, SSE and AVX.
#define HEADER 512
#define HEADER_BYTES 64
#define KEPT_BY_UML UINT64_C(7)
// AMX has 8 KiB of tiles.
#define AREA_BYTES 16384

typedef long (*ptrace_function)(enum __ptrace_request, ...);

static long write_whole(ptrace_function host, int pid, void *kind, const struct iovec *given) {
    // Static, since the stacks of UML are small; one thread traces.
    static unsigned char area[AREA_BYTES];
    struct iovec whole = {area, sizeof area};
    if (host(PTRACE_GETREGSET, pid, kind, &whole) < 0) {
        return -1;
    }
    if (given->iov_len > whole.iov_len) {
        errno = EINVAL;
        return -1;
    }
    uint64_t present, set;
    memcpy(&present, area + HEADER, sizeof present);
    memcpy(area, given->iov_base, given->iov_len);
    memcpy(&set, area + HEADER, sizeof set);
    set = (set & KEPT_BY_UML) | (present & ~KEPT_BY_UML);
    memcpy(area + HEADER, &set, sizeof set);
    return host(PTRACE_SETREGSET, pid, kind, &whole);
}

long ptrace(enum __ptrace_request request, ...) {
    static ptrace_function host;
    if (!host) {
        host = (ptrace_function)dlsym(RTLD_NEXT, "ptrace");
    }
    va_list arguments;
    va_start(arguments, request);
    int pid = va_arg(arguments, int);
    void *address = va_arg(arguments, void *);
    void *data = va_arg(arguments, void *);
    va_end(arguments);
    if (request == PTRACE_SETREGSET && (uintptr_t)address == NT_X86_XSTATE) {
        const struct iovec *given = data;
        if (given->iov_len >= HEADER + HEADER_BYTES) {
            return write_whole(host, pid, address, given);
        }
    }
    return host(request, pid, address, data);
}
