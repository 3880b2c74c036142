//! What an operator does by hand, from the command line.
//!
//! An order that changes something has to go through the node that serves, where that is alone with its data folder:
//! the command hands it over by a socket in that folder ([`listen`], [`socket::ask`]). Where nobody serves, and in a cluster, the
//! command opens the store by itself.

mod backup;
mod check;
mod migrate;
#[cfg(unix)]
mod socket;

use serde::{Deserialize, Serialize};

use crate::{
    accounts::Accounts,
    config::Config,
    error::{Error, Result},
    server::{self, StartError},
    store::sqlite::OpenError,
};

pub use backup::{backup, restore};
pub use check::check;
pub use migrate::migrate;
#[cfg(unix)]
pub use socket::listen;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// Make an account.
    CreateUser {
        /// The name to log in with.
        name: String,
        /// The name that others see.
        display: Option<String>,
    },
    /// Give an account another password, and end its sessions.
    ResetPassword {
        /// The name they log in with.
        name: String,
    },
}

/// Why an order wasn't carried out. One line.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The store can't be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The database can't be opened or copied.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// It was refused, or failed.
    #[error("{0}")]
    Refused(String),
}

/// Carries out an order, here or on the node that serves the data folder. Returns what to tell the operator, a line each.
///
/// # Errors
/// When it can't be, or is refused.
pub async fn obey(config: Config, order: &Order) -> Result<Vec<String>, OperatorError> {
    #[cfg(unix)]
    if config.cluster.is_none()
        && let Some(told) = socket::ask(&config.data, order).await
    {
        return told.map_err(OperatorError::Refused);
    }
    let opened = server::open(config).await?;
    let told = carry_out(&opened.app.accounts, order).await.map_err(|error| said(&error));
    opened.app.log.rest();
    opened.app.bus.close().await;
    told.map_err(OperatorError::Refused)
}

async fn carry_out(accounts: &Accounts, order: &Order) -> Result<Vec<String>> {
    match order {
        Order::CreateUser { name, display } => {
            let display = display.as_deref().map(str::parse).transpose()?;
            let (account, password) = accounts.create_by_hand(name.parse()?, display).await?;
            let owns = if account.owner { ", who owns the server" } else { "" };
            Ok(vec![format!("Made {}{owns}", account.name), format!("Password: {password}")])
        }
        Order::ResetPassword { name } => {
            let password = accounts.reset_by_hand(&name.parse()?).await?;
            Ok(vec![format!("{name} is logged out everywhere"), format!("New password: {password}")])
        }
    }
}

/// What the operator reads of an error; the log has its cause.
fn said(error: &Error) -> String {
    tracing::debug!(?error, "an order was refused");
    error.message().to_owned()
}
