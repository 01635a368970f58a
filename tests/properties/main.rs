//! What holds of the core whatever happens: first a walk of all that can be reached, then random bytes and times.

mod alphabet;
mod explore;
mod key;
mod walk;
mod world;
