//! `/api/people`: everybody's public profiles.

use axum::{Router, extract::State, routing::get};
use serde::Serialize;
use utoipa::ToSchema;

use super::rooms::Rows;
use crate::{
    app::App,
    chat::PictureFields,
    error::{Code, Error, Result},
    model::{Person, Status, Timestamp, UserId},
    web::{Caller, Json, Path, Query, answer::ErrorBody},
};

pub(super) fn router() -> Router<App> {
    Router::new().route("/api/people", get(find)).route("/api/people/{user}", get(one))
}

/// A person's public profile.
#[derive(Serialize, ToSchema)]
pub struct PersonBody {
    #[schema(value_type = uuid::Uuid)]
    user: UserId,
    /// The name they are mentioned by.
    name: String,
    /// The name that others see.
    display: String,
    /// A few words about themselves.
    bio: String,
    /// Their picture.
    picture: Option<PictureFields>,
    /// What they say of the moment; absent when that is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusBody>,
}

/// What somebody says of the moment.
#[derive(Serialize, ToSchema)]
pub struct StatusBody {
    /// One emoji.
    emoji: Option<String>,
    /// A few words; may be empty.
    text: String,
    /// Whether they don't want to be disturbed.
    busy: bool,
    /// When it is over, in milliseconds since 1970.
    #[schema(value_type = Option<i64>)]
    until: Option<Timestamp>,
}

impl StatusBody {
    /// What `person` says now.
    pub(super) fn of(person: &Person) -> Option<Self> {
        let Status { emoji, text, busy, until } = person.status_at(Timestamp::now())?.clone();
        Some(Self { emoji, text, busy, until })
    }
}

impl PersonBody {
    pub(super) fn id(&self) -> UserId {
        self.user
    }
}

impl From<&Person> for PersonBody {
    fn from(person: &Person) -> Self {
        Self {
            user: person.id,
            name: person.name.clone(),
            display: person.display.clone(),
            bio: person.bio.clone(),
            picture: person.picture.as_ref().map(PictureFields::from),
            status: StatusBody::of(person),
        }
    }
}

/// People found.
#[derive(Serialize, ToSchema)]
pub struct PeopleBody {
    people: Vec<PersonBody>,
    /// To be sent as `after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// People whose login name or display name begins with `q`, by login name.
#[utoipa::path(
    get, path = "/api/people", tag = "people", params(Rows),
    responses((status = 200, body = PeopleBody), (status = "default", body = ErrorBody))
)]
pub async fn find(State(app): State<App>, _: Caller, Query(rows): Query<Rows>) -> Result<Json<PeopleBody>> {
    let page = app.chat.find_people(&rows.q, rows.after.as_deref(), rows.limit()?).await?;
    let next = page.items.last().filter(|_| page.more).map(|person| person.name.clone());
    Ok(Json(PeopleBody { people: page.items.iter().map(PersonBody::from).collect(), next }))
}

/// A person.
#[utoipa::path(
    get, path = "/api/people/{user}", tag = "people", params(("user" = uuid::Uuid, Path)),
    responses((status = 200, body = PersonBody), (status = "default", body = ErrorBody))
)]
pub async fn one(State(app): State<App>, _: Caller, Path(user): Path<UserId>) -> Result<Json<PersonBody>> {
    let person = app.chat.people().one(user).await?.ok_or_else(|| Error::new(Code::NotFound))?;
    Ok(Json(person.as_ref().into()))
}
