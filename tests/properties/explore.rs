//! A breadth-first walk over all reachable states of a scan, with a small alphabet of inputs.
//!
//! A node is a scanner and an observer's knowledge of the world around it ([`World`]). The world is consistent: a port
//! opens only after a request, and lines come only from an open one. The random inputs of `times.rs` cover inconsistent
//! worlds.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{BuildHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use cellscan_core::scan::{Action, Actions, Event, Phase, Policy, Scanner};
use cellscan_core::supervisor::Want;
use cellscan_core::time::{Instant, Span};

use crate::alphabet::{self, Setting};
use crate::key::{Fold, key};
use crate::rules::{BUDGET, OWED, PANICS, RETRIED, STUCK};
use crate::world::{Stimulus, World};

#[derive(Clone, Debug)]
struct Node {
    scanner: Scanner,
    world: World,
    now: Instant,
    /// When the service was taken. Not a part of the key: the snapshot has the time that is left.
    taken_at: Option<Instant>,
}

/// The result of one input of a node.
struct Step {
    next: Node,
    actions: Actions,
    /// A violated rule of the line.
    broken: Option<&'static str>,
}

impl Node {
    fn key(&self) -> u64 {
        key(&self.scanner.snapshot(self.now), &self.world)
    }

    /// `None` where it panics.
    fn step(&self, stimulus: Stimulus) -> Option<Step> {
        let Self { mut scanner, mut world, mut now, mut taken_at } = self.clone();
        if stimulus == Stimulus::Time {
            now = scanner.next_deadline().map_or(now, |deadline| deadline.max(now));
        }
        let phase = scanner.phase();
        world.sees_input(phase, stimulus);
        if matches!(stimulus, Stimulus::Taken(_)) {
            taken_at = Some(now);
        }
        let actions = catch_unwind(AssertUnwindSafe(|| scanner.step(now, stimulus.input()))).ok()?;
        let mut broken = None;
        for action in &actions {
            // The world sees them all, also those after a violation.
            let rule = world.sees_action(phase, *action);
            broken = broken.or(rule);
        }
        let at_end = world.sees_end(scanner.phase());
        broken = broken.or(at_end);
        Some(Step { next: Self { scanner, world, now, taken_at }, actions, broken })
    }

    /// Whether the scan should have given up by now.
    fn is_over_budget(&self, setting: &Setting) -> bool {
        let Policy { budget, .. } = setting.policy;
        let limit = budget.saturating_sub(setting.policy.reserve());
        budget < Span::MAX && self.taken_at.is_some_and(|taken| self.now >= taken + limit)
    }

    /// No action, no event, no change.
    fn is_same(&self, step: &Step) -> bool {
        step.actions.is_empty() && self.world == step.next.world && self.scanner == step.next.scanner
    }

    /// A hash of its actions and next states for every input, without reported times, which are about the past.
    fn behaviour(&self, setting: &Setting) -> u64 {
        let mut hasher = Fold::default().build_hasher();
        let own = self.key();
        for stimulus in alphabet::offered(setting, &self.scanner, &self.world) {
            let Some(step) = self.step(stimulus) else { continue };
            hash_asked(&step.actions, &mut hasher);
            let next = if self.is_same(&step) { own } else { step.next.key() };
            next.hash(&mut hasher);
        }
        hasher.finish()
    }
}

fn hash_asked(actions: &Actions, hasher: &mut impl Hasher) {
    for action in actions {
        match action {
            Action::Report(_) => {}
            Action::Take => 0_u8.hash(hasher),
            Action::Ask(want) => (1_u8, want).hash(hasher),
            Action::Signal(signal) => (2_u8, signal).hash(hasher),
            Action::OpenPort => 3_u8.hash(hasher),
            Action::ClosePort => 4_u8.hash(hasher),
            Action::Owe(owed) => (5_u8, owed).hash(hasher),
            Action::Send(outgoing) => (6_u8, outgoing).hash(hasher),
            Action::Release => 7_u8.hash(hasher),
            Action::HandOver => 8_u8.hash(hasher),
        }
    }
}

/// A violated rule, and the inputs that led to it.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) rule: &'static str,
    pub(crate) story: String,
}

/// The kept data of a node: how it was reached, and its successor when only time passes.
#[derive(Clone, Debug)]
struct Visited {
    parent: u32,
    by: Option<Stimulus>,
    phase: Phase,
    /// `None` where it waits for nothing.
    in_time: Option<u32>,
    /// The hash of its behaviour.
    behaviour: u64,
    /// The same of another path to an equal snapshot.
    again: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct Walk {
    pub(crate) name: &'static str,
    pub(crate) moves: BTreeSet<(Phase, Phase)>,
    pub(crate) actions_max: usize,
    pub(crate) steps: u64,
    pub(crate) broken: Vec<Broken>,
    /// Nodes left when the walk stopped; 0: it reached all states.
    pub(crate) left: usize,
    /// All nodes before this one have all their successors.
    expanded: usize,
    visited: Vec<Visited>,
}

/// Violations kept for each rule; one is enough to read.
const STORIES_MAX: usize = 2;

impl Visited {
    const fn new(parent: u32, by: Option<Stimulus>, phase: Phase) -> Self {
        Self { parent, by, phase, in_time: None, behaviour: 0, again: None }
    }
}

impl Walk {
    const fn new(name: &'static str) -> Self {
        Self {
            name,
            moves: BTreeSet::new(),
            actions_max: 0,
            steps: 0,
            broken: Vec::new(),
            left: 0,
            expanded: 0,
            visited: Vec::new(),
        }
    }

    /// One step, with all checks.
    fn check(&mut self, setting: &Setting, at: u32, node: &Node, stimulus: Stimulus) -> Option<Step> {
        self.steps += 1;
        let Some(step) = node.step(stimulus) else {
            self.breaks(PANICS, at, stimulus);
            return None;
        };
        self.actions_max = self.actions_max.max(step.actions.len());
        for action in &step.actions {
            if let Action::Report(Event::Moved { from, to }) = action {
                self.moves.insert((*from, *to));
            }
        }
        if let Some(rule) = step.broken {
            self.breaks(rule, at, stimulus);
        }
        let Node { scanner, world, now, .. } = &step.next;
        // What passed through in one step counts where it ends.
        if let Some(rule) = world.checks_record(scanner.phase()) {
            self.breaks(rule, at, stimulus);
        }
        if stimulus == Stimulus::Time && scanner.next_deadline().is_some_and(|next| next <= *now) {
            self.breaks(BEHIND, at, stimulus);
        }
        if scanner.phase() != Phase::Idle && scanner.next_deadline().is_none_or(|at| at == Instant::MAX) {
            self.breaks(STUCK, at, stimulus);
        }
        if scanner.phase().is_holding() && step.next.is_over_budget(setting) {
            self.breaks(BUDGET, at, stimulus);
        }
        let Policy { retakes, reopens, .. } = setting.policy;
        // The loss that the policy does not bear is reported too.
        if world.interrupted > retakes || world.lost > reopens.saturating_add(1) {
            self.breaks(RETRIED, at, stimulus);
        }
        if scanner.phase() == Phase::Idle && node.scanner.phase() != Phase::Idle {
            let owed = Some(setting.left.want.unwrap_or(setting.found.want))
                .filter(|want| *want != Want::Down && !world.foreign_down);
            if owed.is_some() && world.last_ask == Some(Want::Down) {
                self.breaks(OWED, at, stimulus);
            }
            let asked = world.last_ask.is_some();
            if asked && owed.is_some() && world.given_back && world.last_ask != owed {
                self.breaks(GIVEN_BACK, at, stimulus);
            }
        }
        Some(step)
    }

    /// Another path to a known node.
    fn meet(&mut self, known: u32, from: u32, twin: &Node, setting: &Setting) {
        let node = &mut self.visited[known as usize];
        if known != from && node.again.is_none() && node.phase != Phase::Idle {
            node.again = Some(twin.behaviour(setting));
        }
    }

    /// How many snapshots were reached.
    pub(crate) fn reached(&self) -> usize {
        self.visited.len()
    }

    /// The number of compared pairs of equal snapshots, reached on two paths, and the stories of those that differ.
    pub(crate) fn unlike_twins(&self) -> (usize, Vec<String>) {
        // The others were left behind.
        let twins =
            self.visited.iter().take(self.expanded).enumerate().filter(|(_, node)| node.again.is_some());
        let unlike = twins.clone().filter(|(_, node)| node.again != Some(node.behaviour));
        (twins.count(), unlike.take(STORIES_MAX).map(|(at, _)| self.story(at, None)).collect())
    }

    /// [`crate::rules::ENDS`]: the longest path to `Idle`, or out of the walk where it stopped early, when only time passes, in steps; else the story of a
    /// node without such a path.
    pub(crate) fn longest_silence(&self) -> Result<u32, String> {
        let ends = |(at, node): (usize, &Visited)| node.phase == Phase::Idle || at >= self.expanded;
        let mut steps: Vec<Option<u32>> =
            self.visited.iter().enumerate().map(|node| ends(node).then_some(0)).collect();
        for start in 0..self.visited.len() {
            let mut path = vec![];
            let mut at = start;
            while steps[at].is_none() {
                // No path is longer than the number of nodes, so a longer one is a cycle.
                let next = self.visited[at].in_time.filter(|_| path.len() <= self.visited.len());
                let Some(next) = next else { return Err(self.story(start, None)) };
                path.push(at);
                at = next as usize;
            }
            let known = steps[at].unwrap_or_default();
            for (further, node) in path.into_iter().rev().enumerate() {
                steps[node] = Some(known + 1 + u32::try_from(further).unwrap_or(u32::MAX));
            }
        }
        Ok(steps.into_iter().flatten().max().unwrap_or_default())
    }

    pub(crate) fn broken(&self, rules: &[&str]) -> Vec<&Broken> {
        self.broken.iter().filter(|broken| rules.contains(&broken.rule)).collect()
    }

    fn breaks(&mut self, rule: &'static str, at: u32, stimulus: Stimulus) {
        if self.broken(&[rule]).len() < STORIES_MAX {
            let story = self.story(at as usize, Some(stimulus));
            self.broken.push(Broken { rule, story });
        }
    }

    fn story(&self, at: usize, last: Option<Stimulus>) -> String {
        let mut steps = vec![format!("{:?} <- {last:?}", self.visited[at].phase)];
        let mut at = at;
        while let Some(by) = self.visited[at].by {
            at = self.visited[at].parent as usize;
            steps.push(format!("{:?} <- {by:?}", self.visited[at].phase));
        }
        steps.reverse();
        format!("{}:\n  {}", self.name, steps.join("\n  "))
    }
}

/// Rules without a mutant of their own: the machine asserts the first itself, and the second follows from others.
pub(crate) const BEHIND: &str = "after a timeout step every deadline is in the future";
pub(crate) const GIVEN_BACK: &str =
    "a service counts as given back only after the request for its want from before";

/// How far a walk goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// Snapshots, at most.
    pub(crate) nodes_max: usize,
    /// Stops at the first violated rule.
    pub(crate) stops_at_once: bool,
}

/// Walks all reachable states, as far as `extent` allows.
pub(crate) fn explore(setting: &Setting, extent: Extent) -> Walk {
    let mut scanner = Scanner::new(setting.policy);
    for digits in setting.remembered {
        scanner.remember(alphabet::plmn(digits));
    }
    let first = Node { scanner, world: World::new(), now: Instant::from_millis(1_000), taken_at: None };
    let mut walk = Walk::new(setting.name);
    let first_key = first.key();
    let mut seen: HashMap<u64, u32, Fold> = HashMap::default();
    seen.insert(first_key, 0);
    walk.visited.push(Visited::new(0, None, Phase::Idle));
    let mut frontier = VecDeque::from([(0_u32, first_key, first)]);
    while let Some((at, own, node)) = frontier.pop_front() {
        walk.expanded = at as usize;
        if walk.visited.len() > extent.nodes_max || (extent.stops_at_once && !walk.broken.is_empty()) {
            walk.left = frontier.len() + 1;
            break;
        }
        let mut behaviour = Fold::default().build_hasher();
        for stimulus in alphabet::offered(setting, &node.scanner, &node.world) {
            let Some(step) = walk.check(setting, at, &node, stimulus) else { continue };
            hash_asked(&step.actions, &mut behaviour);
            let key = if node.is_same(&step) { own } else { step.next.key() };
            key.hash(&mut behaviour);
            let unseen = u32::try_from(walk.visited.len()).expect("fewer nodes than a u32 counts");
            let reached = match seen.entry(key) {
                Entry::Vacant(entry) => {
                    let phase = step.next.scanner.phase();
                    walk.visited.push(Visited::new(at, Some(stimulus), phase));
                    // The end: a second scan equals the first.
                    if phase != Phase::Idle {
                        frontier.push_back((unseen, key, step.next));
                    }
                    *entry.insert(unseen)
                }
                Entry::Occupied(known) => {
                    let known = *known.get();
                    walk.meet(known, at, &step.next, setting);
                    known
                }
            };
            if stimulus == Stimulus::Time {
                walk.visited[at as usize].in_time = Some(reached);
            }
        }
        walk.visited[at as usize].behaviour = behaviour.finish();
    }
    if walk.left == 0 {
        walk.expanded = walk.visited.len();
    }
    walk
}
