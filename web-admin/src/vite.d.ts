/** What Vite bundles beside code. */
declare module '*.css'
declare module '*.svg'
