//! Finding people by how their names begin.

use rusqlite::{Connection, params};

use super::{
    failure::Failure,
    rooms::{one_more, page},
    row::json,
};
use crate::{model::Person, store::Page};

/// Sorts behind whatever a name may go on with.
const END: &str = "\u{10ffff}";

/// People after the name ?1; as many as ?2.
pub(super) const ALL: &str = "SELECT doc FROM people WHERE name > ?1 ORDER BY name LIMIT ?2";

/// People either of whose names lies between ?1 and ?4, after the name ?2; as many as ?3.
pub(super) const BEGINNING: &str = "
    SELECT people.doc FROM (
        SELECT name, id FROM people WHERE name >= ?1 AND name < ?4 AND name > ?2
        UNION
        SELECT name, id FROM people WHERE display >= ?1 AND display < ?4 AND name > ?2
        ORDER BY name LIMIT ?3
    ) AS found JOIN people ON people.id = found.id ORDER BY found.name";

/// People whose login name or folded display name begins with `start`, by login name, after `after`.
pub(super) fn find(db: &Connection, start: &str, after: &str, limit: usize) -> Result<Page<Person>, Failure> {
    let document = |row: &rusqlite::Row<'_>| json(row, 0);
    let found: rusqlite::Result<Vec<_>> = if start.is_empty() {
        db.prepare_cached(ALL)?.query_map(params![after, one_more(limit)], document)?.collect()
    } else {
        let end = format!("{start}{END}");
        db.prepare_cached(BEGINNING)?
            .query_map(params![start, after, one_more(limit), end], document)?
            .collect()
    };
    Ok(page(found?, limit))
}
