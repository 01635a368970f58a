//! `replay`: what a log says happened, and what would have happened.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::cli::ReplayArgs;
use crate::exit::{Exit, Fatal};
use crate::import::Format;
use crate::replay::again::Recording;
use crate::replay::analysis::Analysis;
use crate::replay::{json, text};
use crate::timeline::{Timeline, html, terminal};

/// The name of standard input.
const STDIN: &str = "-";

/// Replays each log in turn.
///
/// # Errors
/// A log could not be read, or the output failed.
pub fn run(args: &ReplayArgs) -> Result<Exit, Fatal> {
    let format = args.format.as_deref().map(find_format).transpose()?;
    if args.html.is_some() && args.logs.len() > 1 {
        return Err(Fatal::usage("--html: found several logs, wanted one"));
    }
    // Colours of the lanes, where somebody sees them.
    let mut out = BufWriter::new(anstream::AutoStream::auto(io::stdout()).lock());
    for path in &args.logs {
        let told = one(path, format, args, &mut out).and_then(|()| out.flush().map_err(Wrong::Output));
        match told {
            Ok(()) => {}
            // Whoever closed it has seen enough.
            Err(Wrong::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Done),
            Err(Wrong::Output(error)) => {
                return Err(Fatal::system(format!("unable to write to standard output: {error}")));
            }
            Err(Wrong::Page(page, error)) => {
                return Err(Fatal::system(format!("unable to write {}: {error}", page.display())));
            }
            Err(Wrong::Log(error)) => {
                return Err(Fatal::system(format!("unable to read {}: {error}", path.display())));
            }
        }
    }
    Ok(Exit::Done)
}

/// Columns of the terminal, or what fits into a mail.
fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
    size.filter(|columns| *columns > 0).unwrap_or(100)
}

fn write_page(path: &Path, source: &str, analysis: &Analysis) -> io::Result<()> {
    let page = html::page(source, analysis).map_err(io::Error::other)?;
    fs::write(path, page)
}

enum Wrong {
    Page(PathBuf, io::Error),
    Log(io::Error),
    Output(io::Error),
}

fn find_format(name: &str) -> Result<Format, Fatal> {
    Format::find(name).ok_or_else(|| {
        let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
        Fatal::usage(format!("--format: found {name:?}, wanted one of {}", names.join(", ")))
    })
}

fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    if path.as_os_str() == STDIN { Ok(Box::new(io::stdin().lock())) } else { Ok(Box::new(File::open(path)?)) }
}

fn one(path: &Path, format: Option<Format>, args: &ReplayArgs, out: &mut dyn Write) -> Result<(), Wrong> {
    let source = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let log = open(path).map_err(Wrong::Log)?;
    let mut failed = None;
    let mut tell = |line: &str| {
        if failed.is_none() {
            failed = writeln!(out, "{line}").err();
        }
    };
    let analysis = Analysis::read(log, format, &mut |turn| {
        if args.json {
            tell(&json::turn(&source, turn));
        } else if args.dialogue {
            tell(&text::turn(turn));
        }
    })
    .map_err(Wrong::Log)?;
    tell(&if args.json { json::log(&source, &analysis) } else { text::log(&source, &analysis) });
    if analysis.format == Format::Atlog && path.as_os_str() != STDIN {
        let recording = open(path).and_then(Recording::read).map_err(Wrong::Log)?;
        if recording.has_scan() {
            let replayed = recording.replay();
            tell(&if args.json { json::replayed(&source, &replayed) } else { text::replayed(&replayed) });
        }
    }
    for (index, scan) in analysis.scans.iter().enumerate() {
        let what_ifs = analysis.what_if(index);
        if args.json {
            tell(&json::scan(&source, scan));
            for what_if in &what_ifs {
                tell(&json::what_if(&source, scan, what_if));
            }
        } else {
            tell(&text::scan(scan));
            if args.timeline {
                tell(&terminal::draw(&Timeline::new(scan, &what_ifs), columns()));
            }
            tell(&text::what_ifs(scan, &what_ifs));
        }
    }
    if let Some(page) = &args.html {
        write_page(page, &source, &analysis).map_err(|error| Wrong::Page(page.clone(), error))?;
    }
    if args.json {
        analysis.findings.iter().for_each(|finding| tell(&json::finding(&source, finding)));
    } else if !analysis.findings.is_empty() {
        tell(&text::findings(&analysis));
    }
    failed.map_or(Ok(()), |error| Err(Wrong::Output(error)))
}
