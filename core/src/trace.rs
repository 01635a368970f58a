//! One macro for all logging: to `log`, to `defmt`, to both, or to neither.

/// `event!(debug, "phase {:?} -> {:?}", from, to)`: levels as in `log`; only positional `{}` and `{:?}`, which both
/// loggers accept, so that every argument is `Debug` and, under the feature, `defmt::Format`.
macro_rules! event {
    ($level:ident, $($arg:tt)+) => {{
        #[cfg(feature = "log")]
        ::log::$level!($($arg)+);
        #[cfg(feature = "defmt")]
        ::defmt::$level!($($arg)+);
        #[cfg(not(any(feature = "log", feature = "defmt")))]
        {
            // Type-checks the arguments of a build that logs nowhere; never called, so no formatting is linked.
            let _ = || {
                let _ = ::core::format_args!($($arg)+);
            };
        }
    }};
}
