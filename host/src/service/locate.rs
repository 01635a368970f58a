//! Finds the service of `pppd` and chooses how to talk to its supervisor. What is found is said, not guessed silently.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::dir::ServiceDir;
use super::native::{Native, NativeOptions};
use super::sv::{Sv, SvOptions, SvProgram};
use super::unsupervised::{Unsupervised, UnsupervisedOptions};
use super::{LeaseOptions, Service, ServiceError};
use crate::guard::{GuardOptions, Prepare};
use crate::link::Link;

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
/// The name of a directory of definitions: nobody watches it, what is meant to run is linked from elsewhere.
const DEFINITIONS: &str = "sv";
/// Entries of one root that are looked at.
const ENTRIES_MAX: usize = 4_096;

/// How the supervisor is spoken to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
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
    /// Name or path of the service; `None` looks for `pppd`, `ppp` and `pppd-*`.
    pub service: Option<String>,
    /// The directories to look in, as of [`default_roots`].
    pub roots: Vec<PathBuf>,
    /// The port that `pppd` uses, where known.
    pub ppp_port: Option<PathBuf>,
    /// The command that starts an unsupervised `pppd`.
    pub start: Vec<OsString>,
    /// The `sv` program; `None` looks for it, where it is needed.
    pub sv: Option<SvProgram>,
    /// How the guard is started, if there is to be one.
    pub guard: Option<GuardOptions>,
    /// Where a lease is kept, if there is to be one.
    pub lease: Option<LeaseOptions>,
    /// How the link is looked at.
    pub link: Link,
    /// What is done to the command that starts an unsupervised `pppd`.
    pub prepare: Option<Prepare>,
}

impl LocateOptions {
    /// Everything found by itself, with a guard, waiting for no link.
    #[must_use]
    pub fn new() -> Self {
        Self {
            backend: Backend::Auto,
            service: None,
            roots: default_roots(),
            ppp_port: None,
            start: Vec::new(),
            sv: None,
            guard: Some(GuardOptions::default()),
            lease: None,
            link: Link::none(),
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
    pub service: Service,
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

/// The service directory by name or path; `None` where nothing was named and nothing is there. As `sv` has it, what
/// begins with a dot or has a slash is a path.
///
/// # Errors
/// What was named is not there, or several could be meant. One directory under several names counts once.
pub fn find_service(wanted: Option<&str>, roots: &[PathBuf]) -> Result<Option<PathBuf>, ServiceError> {
    let Some(wanted) = wanted else { return only(candidates(roots)) };
    if wanted.contains('/') || wanted.starts_with('.') {
        let path = std::path::absolute(wanted).unwrap_or_else(|_| wanted.into());
        return if path.is_dir() { Ok(Some(path)) } else { Err(ServiceError::NoService { path }) };
    }
    let named = roots.iter().filter(|_| !wanted.is_empty()).map(|root| (root, root.join(wanted)));
    let found = only(meant(named.filter(|(_, dir)| dir.is_dir())))?;
    found.map(Some).ok_or_else(|| ServiceError::NoService { path: wanted.into() })
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

/// Of these, by their roots, each directory once. A definition that nobody supervises counts only where there is nothing
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
            Err(error) => matches!(error, ServiceError::Denied { .. }),
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
        Backend::Auto | Backend::Native | Backend::Sv => {
            find_service(options.service.as_deref(), &options.roots)?
        }
    };
    let Some(dir) = found else { return unsupervised(options) };
    let shown = dir.display().to_string();
    let usable = ServiceDir::open(&dir).and_then(|opened| {
        opened.read_status()?;
        let supervised = opened.is_supervised()?;
        if supervised { Ok(()) } else { Err(ServiceError::NotSupervised { path: dir.clone() }) }
    });
    let may_need_sv = match options.backend {
        Backend::Auto => usable.is_err(),
        Backend::Sv => true,
        Backend::Native | Backend::Unsupervised => false,
    };
    let sv = options.sv.clone().or_else(|| may_need_sv.then(SvProgram::find).flatten());
    match (options.backend, usable, sv) {
        (
            Backend::Auto,
            Err(error @ (ServiceError::NeverSupervised { .. } | ServiceError::NotSupervised { .. })),
            _,
        ) => {
            // `sv` would find the same.
            let why = error.to_string();
            if options.service.is_some() || options.start.is_empty() {
                return Err(error);
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
        (Backend::Auto | Backend::Native | Backend::Unsupervised, Err(error), _) => Err(error),
        (Backend::Unsupervised, Ok(()), _) => unsupervised(options),
    }
}

fn native(options: LocateOptions, dir: PathBuf, why: String) -> Choice {
    let LocateOptions { ppp_port, guard, lease, link, .. } = options;
    let native = Native::new(NativeOptions { dir: dir.clone(), ppp_port, guard, lease, link });
    Choice { service: Service::Native(native), dir: Some(dir), why }
}

fn by_sv(options: LocateOptions, program: SvProgram, dir: PathBuf, why: String) -> Choice {
    let LocateOptions { ppp_port, guard, lease, link, .. } = options;
    let sv = Sv::new(SvOptions { program, dir: dir.clone(), ppp_port, guard, lease, link });
    Choice { service: Service::Sv(sv), dir: Some(dir), why }
}

fn unsupervised(options: LocateOptions) -> Result<Choice, ServiceError> {
    let Some(ppp_port) = options.ppp_port else {
        let path = PathBuf::from(options.service.unwrap_or_else(|| "pppd".to_owned()));
        return Err(ServiceError::NoService { path });
    };
    let why = format!("unsupervised: no service found, the pppd on {} is meant", ppp_port.display());
    let LocateOptions { start, guard, lease, link, prepare, .. } = options;
    let backend = UnsupervisedOptions { ppp_port, start, guard, lease, link, prepare };
    Ok(Choice { service: Service::Unsupervised(Unsupervised::new(backend)), dir: None, why })
}

fn is_name_of_pppd(name: &str) -> bool {
    name == "pppd" || name == "ppp" || name.starts_with("pppd-")
}

fn is_program(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    fn roots(services: &[&str]) -> (TempDir, Vec<PathBuf>) {
        let dir = tempfile::tempdir().unwrap();
        for service in services {
            let service = dir.path().join(service);
            fs::create_dir_all(&service).unwrap();
            fs::write(service.join("run"), "#!/bin/sh\n").unwrap();
            fs::set_permissions(service.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let roots = vec![dir.path().join("service"), dir.path().join("sv")];
        (dir, roots)
    }

    #[test]
    fn one_service_under_two_names_is_one() {
        let (dir, roots) = roots(&["sv/pppd", "sv/getty"]);
        fs::create_dir(dir.path().join("service")).unwrap();
        symlink("../sv/pppd", dir.path().join("service/pppd")).unwrap();
        let found = find_service(None, &roots).unwrap();
        assert_eq!(found, Some(dir.path().join("service/pppd")), "the name that runsvdir uses");
    }

    fn ambiguous(wanted: Option<&str>, roots: &[PathBuf]) -> Vec<PathBuf> {
        let found = find_service(wanted, roots);
        let Err(ServiceError::Ambiguous { found }) = found else { panic!("{found:?}") };
        found
    }

    #[test]
    fn several_services_are_listed_and_not_chosen_from() {
        let (dir, roots) =
            roots(&["service/pppd-wan", "service/ppp", "service/pppd", "service/pppoe", "service/mpppd"]);
        let found = ambiguous(None, &roots);
        let of = |name: &str| dir.path().join("service").join(name);
        assert_eq!(found, [of("ppp"), of("pppd"), of("pppd-wan")]);
        let said = ServiceError::Ambiguous { found }.to_string();
        assert!(said.starts_with("several services could be meant: ") && said.contains("/service/pppd-wan"));
        assert_eq!(find_service(Some("pppd-wan"), &roots).unwrap(), Some(of("pppd-wan")));
    }

    #[test]
    fn one_name_in_two_watched_directories_is_not_chosen_from() {
        let (dir, _) = roots(&["one/pppd", "two/pppd"]);
        let roots = [dir.path().join("one"), dir.path().join("two")];
        for wanted in [None, Some("pppd")] {
            assert_eq!(ambiguous(wanted, &roots), roots.clone().map(|root| root.join("pppd")));
        }
        assert_eq!(find_service(Some("pppd"), &roots[1..]).unwrap(), Some(roots[1].join("pppd")));
    }

    #[test]
    fn a_definition_that_nobody_supervises_counts_where_there_is_nothing_else() {
        let (dir, roots) = roots(&["service/pppd", "sv/pppd", "sv/pppd-backup"]);
        let enabled = dir.path().join("service/pppd");
        assert_eq!(find_service(None, &roots).unwrap().as_ref(), Some(&enabled));
        assert_eq!(find_service(Some("pppd"), &roots).unwrap().as_ref(), Some(&enabled));
        fs::remove_dir_all(&enabled).unwrap();
        assert_eq!(ambiguous(None, &roots).len(), 2);
        fs::remove_dir_all(dir.path().join("sv/pppd-backup")).unwrap();
        assert_eq!(find_service(None, &roots).unwrap(), Some(dir.path().join("sv/pppd")));
    }

    #[test]
    fn a_definition_that_is_supervised_counts_as_any_other() {
        let (dir, roots) = roots(&["service/pppd", "sv/pppd-lte"]);
        let supervise = dir.path().join("sv/pppd-lte/supervise");
        fs::create_dir(&supervise).unwrap();
        let mut readers = Vec::new();
        for fifo in ["ok", "control"] {
            let made = std::process::Command::new("mkfifo").arg(supervise.join(fifo)).status().unwrap();
            assert!(made.success());
            let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NONBLOCK;
            let none = rustix::fs::Mode::empty();
            readers.push(rustix::fs::open(supervise.join(fifo), flags, none).unwrap());
        }
        assert_eq!(ambiguous(None, &roots).len(), 2);
        drop(readers);
        assert_eq!(find_service(None, &roots).unwrap(), Some(dir.path().join("service/pppd")));
    }

    #[test]
    fn what_was_named_has_to_be_there() {
        let (dir, roots) = roots(&["service/pppd"]);
        for wanted in ["modem", "", "./nothing", "/nowhere/pppd", "pppd/nothing"] {
            let found = find_service(Some(wanted), &roots);
            assert!(matches!(found, Err(ServiceError::NoService { .. })), "{wanted:?}: {found:?}");
        }
        let above = find_service(Some(".."), &roots).unwrap().unwrap();
        assert!(!above.starts_with(dir.path()), "as sv has it, what begins with a dot is a path: {above:?}");
        let path = dir.path().join("service/pppd");
        assert_eq!(find_service(path.to_str(), &[]).unwrap(), Some(path));
        assert_eq!(find_service(None, &[]).unwrap(), None);
        assert_eq!(find_service(None, &[dir.path().join("nothing")]).unwrap(), None);
    }

    #[test]
    fn a_directory_without_a_run_script_is_no_candidate() {
        let (dir, roots) = roots(&["service/pppd", "service/ppp"]);
        fs::set_permissions(dir.path().join("service/ppp/run"), fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(find_service(None, &roots).unwrap(), Some(dir.path().join("service/pppd")));
        assert_eq!(
            find_service(Some("ppp"), &roots).unwrap(),
            Some(dir.path().join("service/ppp")),
            "but named it is"
        );
    }

    #[test]
    fn without_service_and_port_there_is_nothing_to_choose() {
        let options = LocateOptions { roots: Vec::new(), ..LocateOptions::new() };
        assert!(matches!(choose(options), Err(ServiceError::NoService { .. })));
        let ppp_port = Some("/dev/ttyUSB0".into());
        let options = LocateOptions { roots: Vec::new(), ppp_port, ..LocateOptions::new() };
        let choice = choose(options).unwrap();
        assert!(choice.why.starts_with("unsupervised: "), "{}", choice.why);
    }
}
