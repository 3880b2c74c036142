//! Coming in and going out by the forms: log in, register, log out.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use tower_sessions::Session;

use super::frame;
use crate::{
    accounts::{Client, Door, Newcomer, Password},
    app::App,
    config::Registration,
    error::{Code, Error, Result},
    model::{Nonce, account::Account, text::Invalid},
    web::{
        Caller, Form, Query, session,
        views::{ErrorView, LoginPage, RegisterPage},
    },
};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/login", get(login_page).post(login))
        .route("/register", get(register_page).post(register))
        .route("/logout", post(logout))
}

#[derive(Deserialize)]
struct Onward {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginForm {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct Invitation {
    #[serde(default)]
    invite: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegisterForm {
    name: String,
    #[serde(default)]
    display: String,
    password: String,
    #[serde(default)]
    invite: String,
    nonce: Nonce,
}

async fn login_page(
    State(app): State<App>,
    caller: Option<Caller>,
    Query(Onward { next }): Query<Onward>,
) -> Result<Response> {
    if caller.is_some() {
        return Ok(Redirect::to(within(&next)).into_response());
    }
    let page = login_form(&app, String::new(), &next, None);
    page_of(StatusCode::OK, &page)
}

async fn login(
    State(app): State<App>,
    client: Client,
    cookie: Session,
    Form(form): Form<LoginForm>,
) -> Result<Response> {
    let LoginForm { name, password, next } = form;
    let account = async {
        let password = Password::typed("password", password)?;
        app.accounts.login(&name, password, &client).await
    };
    match account.await {
        Ok(account) => enter(&app, &cookie, &account, client, &next).await,
        Err(error) if is_ours(&error) => Err(error),
        Err(error) => refuse(&error, &login_form(&app, name, &next, Some((&error).into()))),
    }
}

fn login_form(app: &App, name: String, next: &str, error: Option<ErrorView>) -> LoginPage {
    let open = app.config.registration == Registration::Open;
    LoginPage { frame: frame(app), name, next: within(next).to_owned(), error, open }
}

async fn register_page(
    State(app): State<App>,
    caller: Option<Caller>,
    Query(Invitation { invite }): Query<Invitation>,
) -> Result<Response> {
    if caller.is_some() {
        return Ok(Redirect::to("/").into_response());
    }
    let page = register_form(&app, invite, Nonce::random()).await?;
    page_of(StatusCode::OK, &page)
}

async fn register(
    State(app): State<App>,
    client: Client,
    cookie: Session,
    Form(form): Form<RegisterForm>,
) -> Result<Response> {
    let again = (form.name.clone(), form.display.clone(), form.invite.clone(), form.nonce.clone());
    let account = async {
        let nonce = form.nonce.clone();
        app.accounts.register(newcomer(form)?, &nonce, &client).await
    };
    let error = match account.await {
        Ok(account) => return enter(&app, &cookie, &account, client, "/").await,
        Err(error) if is_ours(&error) => return Err(error),
        Err(error) => error,
    };
    let (name, display, invite, nonce) = again;
    // The same nonce with another password: the form is an old one, so it gets a new nonce.
    let nonce = if error.code() == Code::NonceReused { Nonce::random() } else { nonce };
    let mut page = RegisterPage { name, display, ..register_form(&app, invite, nonce).await? };
    let at = match error.field() {
        Some("name") => &mut page.name_error,
        Some("display") => &mut page.display_error,
        Some("password") => &mut page.password_error,
        _ => &mut page.error,
    };
    *at = Some((&error).into());
    refuse(&error, &page)
}

fn newcomer(form: RegisterForm) -> Result<Newcomer> {
    let display = Some(form.display.trim()).filter(|display| !display.is_empty());
    Ok(Newcomer {
        name: form.name.parse().map_err(|error: Invalid| Error::from(error))?,
        display: display.map(str::parse).transpose()?,
        password: Password::typed("password", form.password)?,
        invite: Some(form.invite).filter(|invite| !invite.is_empty()),
    })
}

async fn register_form(app: &App, invite: String, nonce: Nonce) -> Result<RegisterPage> {
    let door = app.accounts.door().await?;
    let invited = !invite.is_empty();
    let first = match door {
        Door::First => true,
        Door::Open | Door::Shut => invited && app.accounts.owner().await?.is_none(),
    };
    Ok(RegisterPage {
        frame: frame(app),
        name: String::new(),
        display: String::new(),
        invite,
        nonce: nonce.as_str().to_owned(),
        first,
        closed: door == Door::Shut && !invited,
        error: None,
        name_error: None,
        display_error: None,
        password_error: None,
    })
}

async fn logout(cookie: Session) -> Result<Redirect> {
    session::end(&cookie).await?;
    Ok(Redirect::to("/login"))
}

async fn enter(
    app: &App,
    cookie: &Session,
    account: &Account,
    client: Client,
    next: &str,
) -> Result<Response> {
    let session = session::begin(cookie, account, client.agent).await?;
    app.accounts.confirm(account, session).await?;
    Ok(Redirect::to(within(next)).into_response())
}

/// A path of this server, or else its start: a link to the form must not lead elsewhere.
fn within(next: &str) -> &str {
    let path = next.starts_with('/') && !next.starts_with("//");
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if path && plain { next } else { "/" }
}

/// What isn't about what was typed is told on a page of its own.
fn is_ours(error: &Error) -> bool {
    error.code().status().is_server_error()
}

fn refuse(error: &Error, page: &impl Template) -> Result<Response> {
    let mut answer = page_of(error.code().status(), page)?;
    if let Some(wait) = error.retry_after() {
        answer.headers_mut().insert(header::RETRY_AFTER, (wait.as_secs() + 1).into());
    }
    Ok(answer)
}

fn page_of(status: StatusCode, page: &impl Template) -> Result<Response> {
    let markup = page.render().map_err(Error::internal)?;
    Ok((status, Html(markup)).into_response())
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn a_login_leads_nowhere_else() {
        assert_eq!(within("/rooms/1?at=2"), "/rooms/1?at=2");
        for elsewhere in
            ["", "https://evil.test", "//evil.test", "/\\evil.test", "/a\r\nb", "javascript:alert(1)"]
        {
            assert_eq!(within(elsewhere), "/", "{elsewhere:?}");
        }
    }
}
