package postgres

import "github.com/jackc/pgx/v5/pgxpool"

// PoolOf lets tests look at the connections between transactions.
func PoolOf(a *App) *pgxpool.Pool { return a.pool }
