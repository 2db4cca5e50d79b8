import { Hono } from 'hono'
import type { Routes } from './deputy.ts'

export const routes: Routes = () => new Hono()
