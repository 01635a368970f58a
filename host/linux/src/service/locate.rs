//! Finds the service of `pppd` and chooses how to talk to its supervisor. What is found is said, not guessed silently.
//!
//! | in this order | found by |
//! | --- | --- |
//! | it was named | its name or path |
//! | a `pppd` holds the port | the `runsv` that it descends from, whatever the service is called and wherever it lies |
//! | no supervised `pppd` does | the names `pppd`, `ppp`, `pppd-*` and `ppp-*` in the directories where services are kept |
//! | there is none of these | a `runsv` that keeps a `pppd`, or a service of such a name, if there is only one |

use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::num::NonZeroU32;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::native::{Native, NativeOptions};
use super::sv::{Sv, SvOptions};
use super::unsupervised::{Unsupervised, UnsupervisedOptions};
use super::{Service, ServiceError};
use crate::process::{self, Prepare};
use crate::runit::RunitError;
use crate::runit::dir::ServiceDir;
use crate::runit::sv::SvProgram;
use crate::serial::tty;

mod running;

/// Where services are kept: what `runsvdir` watches on Debian and Alpine, on busybox and Void, upstream and on Artix, what
/// those names lead to on Debian and on Void, and the definitions, which are services too where they are supervised.
pub const SERVICE_ROOTS: [&str; 8] = [
    "/etc/service",
    "/var/service",
    "/service",
    "/run/runit/service",
    "/etc/runit/runsvdir/current",
    "/run/runit/runsvdir/current",
    "/etc/sv",
    "/etc/runit/sv",
];
/// What is said where no service is found.
pub const NONE: &str = "no runsv runs a pppd, and no service is called pppd, ppp, pppd-* or ppp-*";
/// The name of a directory of definitions: no `runsvdir` watches it, what is meant to run is linked from elsewhere.
const DEFINITIONS: &str = "sv";
/// Entries of one root that are looked at.
const ENTRIES_MAX: usize = 4_096;

/// How the supervisor is spoken to.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// The first of the others that works.
    #[default]
    Auto,
    /// Its own files.
    Native,
    /// The `sv` program.
    Sv,
    /// There is no supervisor.
    Unsupervised,
}

/// What the choice is made from.
#[derive(Debug)]
pub struct LocateOptions {
    /// The backend asked for.
    pub backend: Backend,
    /// Name or path of the service; `None`: it is looked for.
    pub service: Option<String>,
    /// The directories to look in, as of [`default_roots`].
    pub roots: Vec<PathBuf>,
    /// Whether the services of all `runsv` processes are looked through where the roots have none.
    pub running: bool,
    /// The port that `pppd` uses, where known.
    pub ppp_port: Option<PathBuf>,
    /// The command that starts an unsupervised `pppd`.
    pub start: Vec<OsString>,
    /// The `sv` program; `None` looks for it, where it is needed.
    pub sv: Option<SvProgram>,
    /// What is done to the command that starts an unsupervised `pppd`.
    pub prepare: Option<Prepare>,
}

impl LocateOptions {
    /// Everything found by itself.
    #[must_use]
    pub fn new() -> Self {
        Self {
            backend: Backend::Auto,
            service: None,
            roots: default_roots(),
            running: true,
            ppp_port: None,
            start: Vec::new(),
            sv: None,
            prepare: None,
        }
    }
}

impl Default for LocateOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// A backend, and why this one.
#[derive(Debug)]
pub struct Choice {
    /// The backend, not yet taken.
    pub service: Box<dyn Service>,
    /// The service directory; `None` without a supervisor.
    pub dir: Option<PathBuf>,
    /// One sentence for people: which, and why.
    pub why: String,
}

/// `$SVDIR`, where set, and [`SERVICE_ROOTS`].
#[must_use]
pub fn default_roots() -> Vec<PathBuf> {
    let set = std::env::var_os("SVDIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    set.into_iter().chain(SERVICE_ROOTS.map(PathBuf::from)).collect()
}

/// A service, and how it was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Located {
    /// The service directory, by the name under which it is kept, where it has one.
    pub dir: PathBuf,
    /// How it was found.
    pub how: How,
}

/// How a service was found.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum How {
    /// It was named, or has a name of `pppd` in a directory where services are kept.
    ByName,
    /// A process that descends from its `runsv` holds the port of `pppd`.
    ByPort {
        /// That process.
        pid: NonZeroU32,
        /// Its name.
        comm: String,
        /// The port.
        port: PathBuf,
        /// Other services, which would have been meant by their names.
        instead_of: Vec<PathBuf>,
    },
    /// Its `runsv` is the only one that keeps a `pppd`, or a service of such a name.
    ByRunsv,
}

impl fmt::Display for How {
    /// As the end of a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByName => write!(f, "found by its name"),
            Self::ByPort { pid, comm, port, instead_of } => {
                write!(f, "found by the port: its {comm} ({pid}) has {}", port.display())?;
                let mut not = instead_of.iter();
                not.next().map_or(Ok(()), |first| write!(f, ", not {}", first.display()))?;
                not.try_for_each(|other| write!(f, " or {}", other.display()))
            }
            Self::ByRunsv => write!(f, "found by its runsv, the only one that runs a pppd"),
        }
    }
}

/// Finds the service of the `pppd` that uses this port: see the table [above](self). `None`: there is none.
///
/// # Errors
/// What was named is not there, or several could be meant.
pub fn locate(
    wanted: Option<&str>,
    roots: &[PathBuf],
    port: Option<&Path>,
) -> Result<Option<Located>, ServiceError> {
    locate_among(wanted, roots, port, true)
}

fn locate_among(
    wanted: Option<&str>,
    roots: &[PathBuf],
    port: Option<&Path>,
    running: bool,
) -> Result<Option<Located>, ServiceError> {
    if wanted.is_some() {
        return Ok(find_service(wanted, roots)?.map(|dir| Located { dir, how: How::ByName }));
    }
    let device = port.and_then(|port| tty::device_of(port).ok());
    let on_port = device.map(running::on_port).unwrap_or_default();
    if let (Some(found), Some(port)) = (running::only(on_port.services, roots)?, port) {
        let mut instead_of = candidates(roots);
        instead_of.retain(|dir| running::identity_of(dir) != Some(found.identity));
        let (pid, comm) = (found.by.pid(), found.by.comm().to_owned());
        let how = How::ByPort { pid, comm, port: port.into(), instead_of };
        return Ok(Some(Located { dir: found.dir, how }));
    }
    let mut named = candidates(roots);
    if running && let Some(device) = device {
        // The service of another modem has the likelier name at most.
        let elsewhere = running::elsewhere(&process::all(), device);
        named.retain(|dir| running::identity_of(dir).is_none_or(|identity| !elsewhere.contains(&identity)));
    }
    if let Some(dir) = only(named)? {
        return Ok(Some(Located { dir, how: How::ByName }));
    }
    // A pppd without a supervisor that holds the port is the one that is meant.
    if !running || on_port.is_held {
        return Ok(None);
    }
    let found = running::only(running::keeping_pppd(&process::all(), device), roots)?;
    Ok(found.map(|found| Located { dir: found.dir, how: How::ByRunsv }))
}

/// The service directory by name or path; `None` where nothing was named and nothing is there. As `sv` has it, what
/// begins with a dot or has a slash is a path.
///
/// # Errors
/// What was named is not there, or several could be meant. One directory under several names counts once.
pub fn find_service(wanted: Option<&str>, roots: &[PathBuf]) -> Result<Option<PathBuf>, ServiceError> {
    let Some(wanted) = wanted else { return only(candidates(roots)) };
    if wanted.contains('/') || wanted.starts_with('.') {
        let path = std::path::absolute(wanted).unwrap_or_else(|_| wanted.into());
        return if path.is_dir() { Ok(Some(path)) } else { Err(ServiceError::no_service(path)) };
    }
    let named = roots.iter().filter(|_| !wanted.is_empty()).map(|root| (root, root.join(wanted)));
    let found = only(meant(named.filter(|(_, dir)| dir.is_dir())))?;
    found.map(Some).ok_or_else(|| ServiceError::no_service(wanted))
}

fn only(mut found: Vec<PathBuf>) -> Result<Option<PathBuf>, ServiceError> {
    if found.len() > 1 {
        return Err(ServiceError::Ambiguous { found });
    }
    Ok(found.pop())
}

/// All services that could be `pppd`, the likelier root first, each directory once.
#[must_use]
pub fn candidates(roots: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for root in roots {
        let Ok(entries) = fs::read_dir(root) else { continue };
        let mut names: Vec<OsString> =
            entries.flatten().map(|entry| entry.file_name()).take(ENTRIES_MAX).collect();
        if names.len() == ENTRIES_MAX {
            log::warn!("{}: more than {ENTRIES_MAX} entries, the rest is not looked at", root.display());
        }
        names.retain(|name| name.to_str().is_some_and(is_name_of_pppd));
        names.sort();
        found.extend(names.into_iter().map(|name| (root, root.join(name))));
    }
    meant(found.into_iter().filter(|(_, dir)| is_program(&dir.join("run"))))
}

/// Of these, by their roots, each directory once. A definition that is not supervised counts only where there is nothing
/// else: it is there to be enabled some day.
fn meant<'a>(found: impl Iterator<Item = (&'a PathBuf, PathBuf)>) -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    let (mut enabled, mut defined) = (Vec::new(), Vec::new());
    for (root, dir) in found {
        let Ok(meta) = fs::metadata(&dir) else { continue };
        if !seen.insert((meta.dev(), meta.ino())) {
            continue;
        }
        // What may not be looked at may be supervised.
        let is_supervised = || match ServiceDir::open(&dir).and_then(|opened| opened.is_supervised()) {
            Ok(supervised) => supervised,
            Err(error) => matches!(error, RunitError::Denied { .. }),
        };
        if root.ends_with(DEFINITIONS) && !is_supervised() {
            defined.push(dir);
        } else {
            enabled.push(dir);
        }
    }
    if enabled.is_empty() { defined } else { enabled }
}

/// Finds the service and chooses the backend: native where the supervisor's files are ours to use, else `sv`, else
/// none.
///
/// # Errors
/// The service that was named is not there or is ambiguous, or the backend that was asked for cannot be had.
pub fn choose(options: LocateOptions) -> Result<Choice, ServiceError> {
    let found = match options.backend {
        Backend::Unsupervised => None,
        Backend::Auto | Backend::Native | Backend::Sv => locate_among(
            options.service.as_deref(),
            &options.roots,
            options.ppp_port.as_deref(),
            options.running,
        )?,
    };
    let Some(Located { dir, how }) = found else { return unsupervised(options) };
    let choice = backend_for(options, dir)?;
    let found = if how == How::ByName || choice.dir.is_none() { String::new() } else { format!("; {how}") };
    Ok(Choice { why: choice.why + &found, ..choice })
}

fn backend_for(options: LocateOptions, dir: PathBuf) -> Result<Choice, ServiceError> {
    let shown = dir.display().to_string();
    let usable = ServiceDir::open(&dir).and_then(|opened| {
        opened.read_status()?;
        let supervised = opened.is_supervised()?;
        if supervised { Ok(()) } else { Err(RunitError::NotSupervised { path: dir.clone() }) }
    });
    let may_need_sv = match options.backend {
        Backend::Auto => usable.is_err(),
        Backend::Sv => true,
        Backend::Native | Backend::Unsupervised => false,
    };
    let sv = options.sv.clone().or_else(|| may_need_sv.then(SvProgram::find).flatten());
    match (options.backend, usable, sv) {
        // `sv` would open what is not to be opened.
        (_, Err(error @ RunitError::Misplaced { .. }), _) => Err(error.into()),
        (
            Backend::Auto,
            Err(error @ (RunitError::NeverSupervised { .. } | RunitError::NotSupervised { .. })),
            _,
        ) => {
            // `sv` would find the same.
            let why = error.to_string();
            if options.service.is_some() || options.start.is_empty() {
                return Err(error.into());
            }
            let choice = unsupervised(options)?;
            Ok(Choice { why: format!("{}; {why}", choice.why), ..choice })
        }
        (Backend::Auto | Backend::Native, Ok(()), _) => {
            let why = format!("native: {shown} is supervised by runsv and its files are ours to use");
            Ok(native(options, dir, why))
        }
        (Backend::Auto, Err(error), Some(program)) => {
            let why =
                format!("sv: {program} ({}) speaks to {shown}, since natively: {error}", program.flavour());
            Ok(by_sv(options, program, dir, why))
        }
        (Backend::Sv, _, Some(program)) => {
            let why = format!("sv: {program} ({}) speaks to {shown}, as configured", program.flavour());
            Ok(by_sv(options, program, dir, why))
        }
        (Backend::Sv, _, None) => Err(ServiceError::NoSvProgram),
        (Backend::Auto | Backend::Native | Backend::Unsupervised, Err(error), _) => Err(error.into()),
        (Backend::Unsupervised, Ok(()), _) => unsupervised(options),
    }
}

fn native(options: LocateOptions, dir: PathBuf, why: String) -> Choice {
    let native = Native::new(NativeOptions { dir: dir.clone(), ppp_port: options.ppp_port });
    Choice { service: Box::new(native), dir: Some(dir), why }
}

fn by_sv(options: LocateOptions, program: SvProgram, dir: PathBuf, why: String) -> Choice {
    let ppp_port = options.ppp_port;
    let sv = Sv::new(SvOptions { program, dir: dir.clone(), ppp_port, is_record_doubtful: false });
    Choice { service: Box::new(sv), dir: Some(dir), why }
}

fn unsupervised(options: LocateOptions) -> Result<Choice, ServiceError> {
    let Some(ppp_port) = options.ppp_port else {
        let path = PathBuf::from(options.service.unwrap_or_else(|| "pppd".to_owned()));
        return Err(ServiceError::no_service(path));
    };
    let why = format!("unsupervised: no service found, the pppd on {} is meant", ppp_port.display());
    let LocateOptions { start, prepare, .. } = options;
    let unsupervised = Unsupervised::new(UnsupervisedOptions { ppp_port, start, prepare });
    Ok(Choice { service: Box::new(unsupervised), dir: None, why })
}

fn is_name_of_pppd(name: &str) -> bool {
    ["pppd", "ppp"].contains(&name) || ["pppd-", "ppp-"].iter().any(|start| name.starts_with(start))
}

fn is_program(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests;
