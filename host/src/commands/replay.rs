//! `replay`: what happened according to a log, and what cellscan would have done.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::cli::ReplayArgs;
use crate::exit::{Exit, Fatal};
use crate::import::Format;
use crate::replay::analysis::Analysis;
use crate::replay::rerun::Replayed;
use crate::replay::summary::{self, Summary};
use crate::replay::turns::Shown;
use crate::replay::what_if::WhatIf;
use crate::replay::{json, text};
use crate::report::{console, wrap};
use crate::timeline::{Timeline, html, terminal};

/// The name of standard input.
const STDIN: &str = "-";
/// Blanks before the rest of a line that a terminal is too narrow for.
const INDENT: usize = 4;
/// Largest depth of nested directories.
const DEPTH_MAX: usize = 8;
/// Largest number of logs: their results wait for their turn in memory.
const LOGS_MAX: usize = 100_000;
/// Logs read at a time, so that results appear while other logs are still read.
const BATCH: usize = 256;

/// Replays logs.
///
/// # Errors
/// A log could not be read (of several: none could), or the output failed.
///
/// [`Exit::Unknown`] if no importer finds anything in the log (of several: in none).
pub fn run(args: &ReplayArgs) -> Result<Exit, Fatal> {
    let format = args.format.as_deref().map(find_format).transpose()?;
    let logs = logs(&args.logs)?;
    if args.html.is_some() && logs.len() > 1 {
        return Err(Fatal::usage(format!("--html: found {} logs, wanted one", logs.len())));
    }
    // Lanes have colours on a terminal.
    let mut out = anstream::AutoStream::auto(io::stdout()).lock();
    let told = if let [log] = logs.as_slice() {
        one(log, format, args, &mut out)
    } else {
        many(&logs, format, args, &mut out)
    };
    match told.and_then(|exit| out.flush().map(|()| exit).map_err(Wrong::Output)) {
        Ok(exit) => Ok(exit),
        // The reader has closed the output.
        Err(Wrong::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
        Err(Wrong::Output(error)) => {
            Err(Fatal::system(format!("unable to write to standard output: {error}")))
        }
        Err(Wrong::File(path, error)) => {
            Err(Fatal::system(format!("unable to write {}: {error}", path.display())))
        }
        Err(Wrong::Log(path, error)) => {
            Err(Fatal::system(format!("unable to read {}: {error}", path.display())))
        }
    }
}

enum Wrong {
    Log(PathBuf, io::Error),
    File(PathBuf, io::Error),
    Output(io::Error),
}

fn find_format(name: &str) -> Result<Format, Fatal> {
    Format::find(name).ok_or_else(|| {
        let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
        Fatal::usage(format!("--format: found {name:?}, wanted one of {}", names.join(", ")))
    })
}

/// The files to read: those of a directory in the order of their names.
fn logs(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Fatal> {
    let mut found = Vec::new();
    for path in paths {
        let unable = |error: io::Error| Fatal::system(format!("unable to read {}: {error}", path.display()));
        if path.as_os_str() == STDIN || !path.is_dir() {
            found.push(path.clone());
        } else {
            inside(path, DEPTH_MAX, &mut found).map_err(unable)?;
        }
    }
    if found.len() > LOGS_MAX {
        return Err(Fatal::usage(format!("found {} logs, wanted {LOGS_MAX} at most", found.len())));
    }
    Ok(found)
}

fn inside(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<fs::DirEntry> = fs::read_dir(dir)?.collect::<io::Result<_>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type()?;
        if kind.is_file() {
            found.push(entry.path());
        } else if kind.is_dir() && depth > 0 {
            inside(&entry.path(), depth - 1, found)?;
        }
    }
    Ok(())
}

fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    if path.as_os_str() == STDIN { Ok(Box::new(io::stdin().lock())) } else { Ok(Box::new(File::open(path)?)) }
}

const fn shown(args: &ReplayArgs) -> Shown {
    if args.keep_identities { Shown::AsItIs } else { Shown::Redacted }
}

fn source(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Replays one log; prints its turns as they are read.
fn one(path: &Path, format: Option<Format>, args: &ReplayArgs, out: &mut dyn Write) -> Result<Exit, Wrong> {
    let source = source(path);
    let mut failed = None;
    let analysis = open(path).and_then(|log| {
        Analysis::read(log, format, shown(args), &mut |turn| {
            let line = if args.json {
                json::turn(&source, turn)
            } else if args.dialogue {
                text::turn(turn)
            } else {
                return;
            };
            if failed.is_none() {
                failed = writeln!(out, "{line}").err();
            }
        })
    });
    let mut analysis = analysis.map_err(|error| Wrong::Log(path.to_owned(), error))?;
    failed.map_or(Ok(()), |error| Err(Wrong::Output(error)))?;
    let replayed = analysis.rerun();
    let what_ifs = analysis.what_ifs();
    let text = results(&source, &analysis, replayed.as_ref(), &what_ifs, args);
    out.write_all(text.as_bytes()).map_err(Wrong::Output)?;
    if let Some(page) = &args.html {
        let made = html::page(&source, &analysis, &what_ifs).map_err(io::Error::other);
        made.and_then(|text| fs::write(page, text)).map_err(|error| Wrong::File(page.clone(), error))?;
    }
    if let Some(csv) = &args.csv {
        let rows = summary::rows(&source, &analysis, &what_ifs);
        write_csv(csv, &[rows])?;
    }
    Ok(if analysis.is_unknown() { Exit::Unknown } else { Exit::Done })
}

/// The results of one log of several.
struct Results {
    analysis: Analysis,
    what_ifs: Vec<Vec<WhatIf>>,
    text: String,
    rows: String,
}

/// Replays several logs in parallel, and prints their results in order.
fn many(
    paths: &[PathBuf],
    format: Option<Format>,
    args: &ReplayArgs,
    out: &mut dyn Write,
) -> Result<Exit, Wrong> {
    let bar = ProgressBar::new(u64::try_from(paths.len()).unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos} of {len} logs, {eta} left") {
        bar.set_style(style);
    }
    let (mut summary, mut rows) = (Summary::default(), Vec::new());
    for batch in paths.chunks(BATCH) {
        let read: Vec<io::Result<Results>> = batch
            .par_iter()
            .map(|path| {
                let told = read(path, format, args);
                bar.inc(1);
                told
            })
            .collect();
        for (path, told) in batch.iter().zip(read) {
            match told {
                Ok(told) => {
                    summary.add(&told.analysis, &told.what_ifs);
                    rows.push(told.rows);
                    bar.suspend(|| out.write_all(told.text.as_bytes())).map_err(Wrong::Output)?;
                }
                Err(error) => {
                    let why = format!("unable to read {}: {error}", path.display());
                    bar.suspend(|| console::complain("warning", &why));
                    summary.failed(why);
                }
            }
        }
    }
    bar.finish_and_clear();
    let last = if args.json { summary.json() } else { summary.text() };
    writeln!(out, "{last}").map_err(Wrong::Output)?;
    if let Some(csv) = &args.csv {
        write_csv(csv, &rows)?;
    }
    if let (Some(path), true) = (paths.first(), summary.failures().len() == paths.len() && !paths.is_empty())
    {
        return Err(Wrong::Log(path.clone(), io::Error::other("none of the logs could be read")));
    }
    let nothing_known = summary.unknown() > 0 && summary.unknown() + summary.failures().len() == paths.len();
    Ok(if nothing_known { Exit::Unknown } else { Exit::Done })
}

fn read(path: &Path, format: Option<Format>, args: &ReplayArgs) -> io::Result<Results> {
    let source = source(path);
    let mut told = String::new();
    let mut analysis = Analysis::read(open(path)?, format, shown(args), &mut |turn| {
        if args.dialogue {
            told.push_str(&if args.json { json::turn(&source, turn) } else { text::turn(turn) });
            told.push('\n');
        }
    })?;
    let replayed = analysis.rerun();
    let what_ifs = analysis.what_ifs();
    told.push_str(&results(&source, &analysis, replayed.as_ref(), &what_ifs, args));
    let rows = summary::rows(&source, &analysis, &what_ifs);
    Ok(Results { analysis, what_ifs, text: told, rows })
}

/// All results of a log except its dialogue.
fn results(
    source: &str,
    analysis: &Analysis,
    replayed: Option<&Replayed>,
    what_ifs: &[Vec<WhatIf>],
    args: &ReplayArgs,
) -> String {
    let terminal = wrap::columns(io::stdout()).filter(|_| !args.json);
    let fitted =
        |text: String| terminal.map_or_else(|| text.clone(), |columns| wrap::lines(&text, columns, INDENT));
    let mut lines =
        vec![if args.json { json::log(source, analysis) } else { fitted(text::log(source, analysis)) }];
    if let Some(replayed) = replayed {
        lines.push(if args.json {
            json::replayed(source, replayed)
        } else {
            fitted(text::replayed(replayed))
        });
    }
    for (scan, what_ifs) in analysis.scans.iter().zip(what_ifs) {
        if args.json {
            lines.push(json::scan(source, scan));
            lines.extend(what_ifs.iter().map(|what_if| json::what_if(source, scan, what_if)));
            continue;
        }
        lines.push(fitted(text::scan(scan)));
        if args.timeline {
            lines.push(terminal::draw(&Timeline::new(scan, what_ifs), columns()));
        }
        lines.push(fitted(text::what_ifs(scan, what_ifs)));
    }
    if args.json {
        lines.extend(analysis.findings.iter().map(|finding| json::finding(source, finding)));
    } else if !analysis.findings.is_empty() {
        lines.push(fitted(text::findings(analysis)));
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// Columns of the terminal, or 100, which fit into a mail.
fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
    size.filter(|columns| *columns > 0).unwrap_or(100)
}

fn write_csv(path: &Path, rows: &[String]) -> Result<(), Wrong> {
    let text = format!("{}\n{}", summary::COLUMNS, rows.concat());
    fs::write(path, text).map_err(|error| Wrong::File(path.to_owned(), error))
}
