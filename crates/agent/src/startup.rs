//! What must happen before the first allocation, thread or name lookup.

/// Prepares a process that may be a static binary.
pub fn prepare() {
    keep_to_own_lookups();
    keep_memory_small();
}

/// A static glibc would load the *host's* lookup plugins, which crashes on another glibc version
/// (rust-lang/rust issues 115723 and 100711). `files` and `dns` are built in.
#[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
#[expect(unsafe_code, reason = "glibc has no other way to configure its name service switch")]
fn keep_to_own_lookups() {
    unsafe extern "C" {
        fn __nss_configure_lookup(db: *const libc::c_char, service: *const libc::c_char) -> libc::c_int;
    }
    // SAFETY: constant strings, and no other thread exists yet.
    unsafe {
        __nss_configure_lookup(c"hosts".as_ptr(), c"files dns".as_ptr());
        __nss_configure_lookup(c"passwd".as_ptr(), c"files".as_ptr());
        __nss_configure_lookup(c"group".as_ptr(), c"files".as_ptr());
    }
}

#[cfg(not(all(target_env = "gnu", target_feature = "crt-static")))]
fn keep_to_own_lookups() {}

/// One arena, and large buffers (compression) given back at once instead of kept in the heap.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "the allocator's parameters can only be set through the C library")]
fn keep_memory_small() {
    const LARGE_BYTES: libc::c_int = 64 * 1024;
    // SAFETY: documented parameters (mallopt(3)), set before other threads exist.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BYTES);
        libc::mallopt(libc::M_TRIM_THRESHOLD, LARGE_BYTES);
    }
}

#[cfg(not(target_env = "gnu"))]
fn keep_memory_small() {}
