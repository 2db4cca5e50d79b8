import type { AnyRoutes } from 'deputyjs'
import { Hono } from 'hono'

export const routes: AnyRoutes = () => new Hono()
