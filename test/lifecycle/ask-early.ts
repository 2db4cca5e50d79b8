// Asks a server what it does as soon as it can be asked.
process.on('newListener', (event) => {
  if (event === 'SIGUSR2') setImmediate(() => process.kill(process.pid, 'SIGUSR2'))
})
