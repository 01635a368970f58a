//! A small map in one piece of memory.

/// A map ordered by key. A gateway has a handful of processes: a search among them costs less than a tree's nodes.
#[derive(Clone, Debug)]
pub(crate) struct Sorted<K, V> {
    entries: Vec<(K, V)>,
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<K: Copy + Ord, V> Sorted<K, V> {
    fn place(&self, key: K) -> Result<usize, usize> {
        // Keys mostly grow: the last one is the first to look at.
        match self.entries.last() {
            None => Err(0),
            Some((last, _)) if *last < key => Err(self.entries.len()),
            Some(_) => self.entries.binary_search_by(|(other, _)| other.cmp(&key)),
        }
    }

    pub(crate) fn get(&self, key: K) -> Option<&V> {
        self.place(key).ok().and_then(|at| self.entries.get(at)).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let at = self.place(key).ok()?;
        self.entries.get_mut(at).map(|(_, value)| value)
    }

    /// Sets the value of a key; returns the one before.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.place(key) {
            Ok(at) => self.entries.get_mut(at).map(|(_, before)| core::mem::replace(before, value)),
            Err(at) => {
                self.entries.insert(at, (key, value));
                None
            }
        }
    }

    pub(crate) fn remove(&mut self, key: K) -> Option<V> {
        self.place(key).ok().map(|at| self.entries.remove(at).1)
    }

    pub(crate) fn contains(&self, key: K) -> bool {
        self.place(key).is_ok()
    }

    /// In the order of the keys.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> {
        self.entries.iter().map(|(key, value)| (*key, value))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Sorted;
    use crate::prng::Prng;

    #[test]
    fn it_answers_as_a_tree_does() {
        let (mut sorted, mut tree) = (Sorted::default(), BTreeMap::new());
        let mut dice = Prng::new(7);
        for value in 0..2_000_u32 {
            let key = dice.range(0, 20);
            match dice.range(0, 3) {
                0 => assert_eq!(sorted.remove(key), tree.remove(&key)),
                1 => assert_eq!(sorted.get_mut(key), tree.get_mut(&key)),
                _ => assert_eq!(sorted.insert(key, value), tree.insert(key, value)),
            }
            assert_eq!((sorted.get(key), sorted.contains(key)), (tree.get(&key), tree.contains_key(&key)));
            assert!(sorted.iter().eq(tree.iter().map(|(key, value)| (*key, value))));
        }
    }
}
