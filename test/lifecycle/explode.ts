// Loaded before a server, to see what becomes of it when an exception is not caught.
process.on('SIGUSR2', () => {
  setImmediate(() => {
    throw new Error('nobody catches this')
  })
})
